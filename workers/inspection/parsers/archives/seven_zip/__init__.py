"""7z archives: the header, the coders, and the reader of the files, over py7zr's internals."""
