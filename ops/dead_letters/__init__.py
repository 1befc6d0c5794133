"""`airlock dead-letters`: messages that could not be settled or delivered are listed, shown, redriven and dropped."""
