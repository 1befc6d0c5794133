"""Inspection: an object is read once, and its profile's checks are run over it and its members."""
