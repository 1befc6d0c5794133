"""Uploads: created, followed, listed, downloaded and withdrawn."""
