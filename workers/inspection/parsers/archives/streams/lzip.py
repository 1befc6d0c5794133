"""One member of an lzip file: a header of 6 bytes, LZMA data up to their end mark, a trailer of 20 bytes.

https://www.nongnu.org/lzip/manual/lzip_manual.html#File-format
"""

import zlib
from collections.abc import Iterator

from workers.inspection.parsers.archives import decompressors
from workers.inspection.parsers.archives.errors import MalformedArchive
from workers.inspection.parsers.archives.streams.source import Source

MAGIC = b"LZIP\x01"
_HEADER, _TRAILER = 6, 20
_LITERALS = 0x5D  # lc 3, lp 0, pb 2: lzip knows no others


def pieces(source: Source) -> Iterator[bytes]:
    """The content of one member, tested with its checksum and its sizes."""
    start, crc, size = source.at, 0, 0
    header = source.take(_HEADER)
    if len(header) < _HEADER:
        raise MalformedArchive("it ends too early")
    decompressor = decompressors.lzma1(bytes([_LITERALS]) + _dictionary(header[5]).to_bytes(4, "little"))
    for piece in decompressors.decompressed(decompressor, source.read):
        crc, size = zlib.crc32(piece, crc), size + len(piece)
        yield piece
    if not decompressor.eof:
        raise MalformedArchive("it ends in the middle of its compressed data")
    source.put_back(decompressor.unused_data)
    trailer = source.take(_TRAILER)
    values = tuple(int.from_bytes(each, "little") for each in (trailer[:4], trailer[4:12], trailer[12:]))
    if len(trailer) < _TRAILER or values != (crc, size, source.at - start):
        raise MalformedArchive("its size or checksum differs from the declared one")


def _dictionary(coded: int) -> int:
    base = 1 << (coded & 0x1F)
    size = base - (base >> 4) * (coded >> 5)
    if not 4096 <= size <= 512 << 20:
        raise MalformedArchive("the size of its dictionary is not valid")
    return size
