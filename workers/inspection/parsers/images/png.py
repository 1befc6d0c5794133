"""PNG (https://www.w3.org/TR/png-3/): chunks with checksums, the last of which is IEND."""

import struct
import zlib
from typing import BinaryIO

from workers.inspection.parsers.images.structure import PIECE, ImageLimits, MalformedImage, read_exactly, read_struct

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LONGEST = 2**31 - 1


def end(file: BinaryIO, size: int, image_limits: ImageLimits) -> int:  # noqa: ARG001 # the readers of all formats are called alike
    """Where the image ends. Counts the frames of an animation."""
    file.seek(len(SIGNATURE))
    length, kind = _start(file)
    if kind != b"IHDR" or length != 13:
        raise MalformedImage("its first chunk is no header")
    header = _body(file, length, kind)
    image_limits.area(*struct.unpack(">II", header[:8]))
    while kind != b"IEND":
        length, kind = _start(file)
        body = _body(file, length, kind)
        if kind == b"fcTL" and len(body) >= 12:
            image_limits.frame()
            image_limits.area(*struct.unpack(">II", body[4:12]))
    return file.tell()


def _start(file: BinaryIO) -> tuple[int, bytes]:
    length = read_struct(file, ">I")[0]
    kind = read_exactly(file, 4)
    if length > _LONGEST or not kind.isalpha():
        raise MalformedImage("what should be a chunk of it is none")
    return length, kind


def _body(file: BinaryIO, length: int, kind: bytes) -> bytes:
    """The chunk's beginning: all of those that are looked into are short."""
    first = piece = read_exactly(file, min(length, PIECE))
    checksum = zlib.crc32(piece, zlib.crc32(kind))
    left = length - len(piece)
    while left:
        piece = read_exactly(file, min(left, PIECE))
        checksum = zlib.crc32(piece, checksum)
        left -= len(piece)
    if read_struct(file, ">I")[0] != checksum:
        raise MalformedImage(f"the checksum of a chunk ({kind.decode('ascii')}) is wrong")
    return first
