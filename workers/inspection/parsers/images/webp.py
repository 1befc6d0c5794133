"""WebP (https://developers.google.com/speed/webp/docs/riff_container): one RIFF container of chunks."""

import struct
from typing import BinaryIO

from workers.inspection.parsers.images.structure import (
    ImageLimits,
    MalformedImage,
    read_exactly,
    read_struct,
    truncated,
)

_HEADER = 10  # the bytes of a chunk that hold its dimensions


def end(file: BinaryIO, size: int, image_limits: ImageLimits) -> int:
    """The offset after the container. Counts the frames of an animation."""
    file.seek(4)
    last = 8 + read_struct(file, "<I")[0]
    if last > size:
        raise truncated()
    offset = 12
    while offset + 8 <= last:
        file.seek(offset)
        chunk_type, length = read_exactly(file, 4), read_struct(file, "<I")[0]
        if offset + 8 + length > last:
            raise MalformedImage("A chunk of the WebP is longer than the container.")
        if dimensions := _dimensions(chunk_type, file.read(min(length, _HEADER))):
            image_limits.area(*dimensions)
        if chunk_type == b"ANMF":
            image_limits.frame()
        offset += 8 + length + length % 2
    return last


def _dimensions(chunk_type: bytes, head: bytes) -> tuple[int, int] | None:
    if len(head) < _HEADER:
        return None
    if chunk_type == b"VP8X":
        return 1 + int.from_bytes(head[4:7], "little"), 1 + int.from_bytes(head[7:10], "little")
    if chunk_type == b"VP8 ":
        width, height = struct.unpack("<HH", head[6:10])
        return width & 0x3FFF, height & 0x3FFF
    if chunk_type == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return None
