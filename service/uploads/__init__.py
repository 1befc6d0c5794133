"""Uploads: creating them, reading their state, listing, downloading and withdrawing them."""
