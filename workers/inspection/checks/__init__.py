"""The checks: each one test of the bytes, behind the port in `port.py`."""
