"""ClamAV: the client of clamd, its wire protocol, and the check."""
