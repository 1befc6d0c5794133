"""ClamAV: the check, the client of clamd, and one connection to it."""
