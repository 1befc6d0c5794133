"""RAR, CAB, ISO 9660, LHA, cpio, ar, xar and compress, by the system's libarchive, where it is installed."""
