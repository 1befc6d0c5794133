"""The readers of archive formats, and decompressors that produce no more bytes than they are asked for."""
