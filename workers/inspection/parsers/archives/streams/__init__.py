"""One compressed stream, or several in a row: gzip (RFC 1952), bzip2, xz, zstd (RFC 8878), LZMA and lzip.

What they hold is one member. What their readers skip (gzip's extra field and comment, zstd's skippable frames) must not
be a file of its own.
"""
