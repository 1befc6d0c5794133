"""PNG (https://www.w3.org/TR/png-3/): chunks with checksums, the last of which is IEND."""

import struct
import zlib
from typing import BinaryIO

from workers.inspection.parsers.images.structure import PIECE, ImageLimits, MalformedImage, read_exactly, read_struct

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LONGEST = 2**31 - 1


def end(file: BinaryIO, size: int, image_limits: ImageLimits) -> int:  # noqa: ARG001 # all readers have this signature
    """The offset after the last chunk. Counts the frames of an animation."""
    file.seek(len(SIGNATURE))
    length, chunk_type = _start(file)
    if chunk_type != b"IHDR" or length != 13:
        raise MalformedImage("The first chunk of the PNG is not a header.")
    header = _body(file, length, chunk_type)
    image_limits.area(*struct.unpack(">II", header[:8]))
    while chunk_type != b"IEND":
        length, chunk_type = _start(file)
        body = _body(file, length, chunk_type)
        if chunk_type == b"fcTL" and len(body) >= 12:
            image_limits.frame()
            image_limits.area(*struct.unpack(">II", body[4:12]))
    return file.tell()


def _start(file: BinaryIO) -> tuple[int, bytes]:
    length = read_struct(file, ">I")[0]
    chunk_type = read_exactly(file, 4)
    if length > _LONGEST or not chunk_type.isalpha():
        raise MalformedImage("A chunk of the PNG has an invalid type or length.")
    return length, chunk_type


def _body(file: BinaryIO, length: int, chunk_type: bytes) -> bytes:
    """The first bytes of a chunk, after its checksum was tested. The chunks whose content is read are short."""
    first = piece = read_exactly(file, min(length, PIECE))
    checksum = zlib.crc32(piece, zlib.crc32(chunk_type))
    left = length - len(piece)
    while left:
        piece = read_exactly(file, min(left, PIECE))
        checksum = zlib.crc32(piece, checksum)
        left -= len(piece)
    if read_struct(file, ">I")[0] != checksum:
        raise MalformedImage(f"The checksum of a PNG chunk ({chunk_type.decode('ascii')}) is wrong.")
    return first
