"""WebP (https://developers.google.com/speed/webp/docs/riff_container): one RIFF container of chunks.

Editors write sizes that are a byte off. Browsers show such a picture; libwebp, which Pillow uses, wants the size to
fit. So the decoder is given the chunks that are whole under a header whose size is right.
"""

import struct

from workers.inspection.parsers.images.decoding import decode_frames
from workers.inspection.parsers.images.structure import MalformedImage, Picture, read_struct, reserve, truncated
from workers.inspection.parsers.ranges import joined

_HEADER = 10  # the bytes of a chunk that hold its dimensions
_CHUNKS = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"XMP "})
# Pillow keeps the file, and libwebp's and its own copies of a frame: four times four bytes a pixel.
_PIXEL_BYTES = 16


def examine(picture: Picture) -> None:
    """Decode every frame. Raises MalformedImage, LimitExceeded."""
    from PIL.WebPImagePlugin import WebPImageFile

    end, width, height = _chunks(picture)
    reserve(_PIXEL_BYTES * width * height + end, width, height)
    riff = b"RIFF" + struct.pack("<I", end + end % 2 - 8)
    pad = b"\0" * (end % 2)
    decode_frames(picture, WebPImageFile, joined(picture.file, [riff, (8, end), pad]))


def _chunks(picture: Picture) -> tuple[int, int, int]:
    """The offset after the last chunk, and the dimensions. Raises MalformedImage where a chunk is not whole."""
    picture.file.seek(4)
    declared = 8 + read_struct(picture.file, "<I")[0]
    offset, dimensions = 12, (0, 0)
    while offset + 8 <= min(max(declared, 13), picture.size):
        picture.file.seek(offset)
        kind, length = picture.file.read(4), read_struct(picture.file, "<I")[0]
        if offset + 8 + length > picture.size:
            if kind not in _CHUNKS:
                break  # the size in the header counts what is no chunk
            raise truncated()
        if found := _dimensions(kind, picture.file.read(min(length, _HEADER))):
            picture.area(*found)
            dimensions = max(dimensions, found, key=lambda each: each[0] * each[1])
        offset = min(offset + 8 + length + length % 2, picture.size)
    if not all(dimensions):
        raise MalformedImage("There is no image in the WebP.")
    if abs(declared - offset) > (offset - 12) % 2:
        picture.note("The size in the header of the WebP is wrong.")
    picture.remains(offset)
    return offset, *dimensions


def _dimensions(kind: bytes, head: bytes) -> tuple[int, int] | None:
    if len(head) < 5:
        return None
    if kind == b"VP8X" and len(head) == _HEADER:
        return 1 + int.from_bytes(head[4:7], "little"), 1 + int.from_bytes(head[7:10], "little")
    if kind == b"VP8 " and len(head) == _HEADER:
        width, height = struct.unpack("<HH", head[6:10])
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return None
