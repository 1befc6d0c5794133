"""Dead letters: what could not be settled or delivered, read without losing any of it."""
