"""Texts: encodings and the formats that are told by a name."""
