"""PNG (https://www.w3.org/TR/png-3/): chunks with checksums, the last of which is IEND."""

import struct
import zlib
from typing import BinaryIO

from workers.inspection.parsers.images.outline import PIECE, Broken, Canvas, take, unpack

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LONGEST = 2**31 - 1


def end(file: BinaryIO, size: int, canvas: Canvas) -> int:  # noqa: ARG001 # the readers of all formats are called alike
    """Where the image ends. Counts the frames of an animation."""
    file.seek(len(SIGNATURE))
    length, kind = _start(file)
    if kind != b"IHDR" or length != 13:
        raise Broken("its first chunk is no header")
    header = _body(file, length, kind)
    canvas.area(*struct.unpack(">II", header[:8]))
    while kind != b"IEND":
        length, kind = _start(file)
        body = _body(file, length, kind)
        if kind == b"fcTL" and len(body) >= 12:
            canvas.frame()
            canvas.area(*struct.unpack(">II", body[4:12]))
    return file.tell()


def _start(file: BinaryIO) -> tuple[int, bytes]:
    length = unpack(file, ">I")[0]
    kind = take(file, 4)
    if length > _LONGEST or not kind.isalpha():
        raise Broken("what should be a chunk of it is none")
    return length, kind


def _body(file: BinaryIO, length: int, kind: bytes) -> bytes:
    """The chunk's beginning: all of those that are looked into are short."""
    first = piece = take(file, min(length, PIECE))
    checksum = zlib.crc32(piece, zlib.crc32(kind))
    left = length - len(piece)
    while left:
        piece = take(file, min(left, PIECE))
        checksum = zlib.crc32(piece, checksum)
        left -= len(piece)
    if unpack(file, ">I")[0] != checksum:
        raise Broken(f"the checksum of a chunk ({kind.decode('ascii')}) is wrong")
    return first
