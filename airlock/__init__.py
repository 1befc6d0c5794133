"""The domain of Airlock: rules about uploads, and nothing that waits.

No module here does I/O, reads a clock, an environment or a source of randomness: the time, random bytes, secrets and
credentials are arguments. Importing it loads the standard library and pydantic only.
"""
