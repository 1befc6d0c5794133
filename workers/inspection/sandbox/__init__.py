"""Child processes in which hostile bytes are parsed, so that what they do to a parser they do to nothing else.

Nothing is imported here: each child would pay for what only the worker's side of it needs.
"""
