"""Zip. Section numbers are those of https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.

How it works. Programs differ in how they read a zip: some follow the directory at its end, some the local header before
each entry's content, some both. An archive that shows them two contents could be harmless as this examiner reads it,
and dangerous as another program does. So everything must say the same thing:

1. `directory` finds the directory from the end of the file, and reports a second one.
2. `entries` finds each entry's content. Its local header, and the descriptor after its content, must repeat what the
   directory says; every name that a program may use is tested.
3. `layout` tests that the entries follow each other up to the directory. What overlaps is a zip bomb; what stands
   between them, and is no padding, is hidden from some programs.
4. Only then does `reader` decompress. The limits count the bytes that come out, whatever the headers declare. Size and
   checksum must match the directory.

Encrypted entries and unknown compression methods are findings of their own; the other entries are still handed out.
"""
