"""WebP (https://developers.google.com/speed/webp/docs/riff_container): one RIFF of chunks."""

import struct
from typing import BinaryIO

from workers.inspection.parsers.images.structure import (
    ImageLimits,
    MalformedImage,
    read_exactly,
    read_struct,
    truncated,
)

_HEADER = 10  # of a chunk, as much as its size needs


def end(file: BinaryIO, size: int, image_limits: ImageLimits) -> int:
    """Where the image ends. Counts the frames of an animation."""
    file.seek(4)
    last = 8 + read_struct(file, "<I")[0]
    if last > size:
        raise truncated()
    place = 12
    while place + 8 <= last:
        file.seek(place)
        kind, length = read_exactly(file, 4), read_struct(file, "<I")[0]
        if place + 8 + length > last:
            raise MalformedImage("a chunk of it is longer than the whole")
        if dimensions := _dimensions(kind, file.read(min(length, _HEADER))):
            image_limits.area(*dimensions)
        if kind == b"ANMF":
            image_limits.frame()
        place += 8 + length + length % 2
    return last


def _dimensions(kind: bytes, head: bytes) -> tuple[int, int] | None:
    if len(head) < _HEADER:
        return None
    if kind == b"VP8X":
        return 1 + int.from_bytes(head[4:7], "little"), 1 + int.from_bytes(head[7:10], "little")
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", head[6:10])
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return None
