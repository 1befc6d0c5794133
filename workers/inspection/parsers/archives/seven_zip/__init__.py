"""7z, over py7zr's internals: `header` reads the directory, `coders` decompresses, `reader` hands out the files.

py7zr's own extraction is not used: it reads the whole header before anything can be counted, renames entries, and
decompresses pieces of up to 128 MB. What is used of it (`archiveinfo`, `compressor.SevenZipDecompressor`) is no public
interface, so pyproject.toml holds py7zr to the minor release that was tested.

A folder of a 7z is no directory: it is a block of files that were compressed as one.
"""
