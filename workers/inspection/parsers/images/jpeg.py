"""JPEG (ITU-T T.81 annex B): segments, and scans, in which the byte after 0xFF distinguishes data from a marker.

A file may have several images: Multi-Picture Format (CIPA DC-007) and Google's containers announce that.
"""

import re
from typing import BinaryIO

from workers.inspection.parsers.images.jpeg_trailer import AnnouncedTrailer, end_of_trailer
from workers.inspection.parsers.images.structure import (
    PIECE,
    ImageLimits,
    MalformedImage,
    read_exactly,
    read_struct,
    skip_padding,
    truncated,
)

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_APP1, _APP2 = 0xE1, 0xE2
# SOF0 to SOF15 without DHT, JPG and DAC, which share their range.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")


def end(file: BinaryIO, size: int, image_limits: ImageLimits) -> int:
    """The offset after the last announced image and what phones append to it."""
    return images(file, size, image_limits)[1]


def images(file: BinaryIO, size: int, image_limits: ImageLimits) -> tuple[list[tuple[int, int]], int]:
    """The start and end of each image, and the offset after the last part of the file."""
    announced = AnnouncedTrailer()
    found = []
    offset = 0
    while True:
        last = _image(file, offset, image_limits, announced)
        found.append((offset, last))
        offset = skip_padding(file, last, b"\0")
        file.seek(offset)
        if not announced.images or file.read(3) != b"\xff\xd8\xff":
            return found, end_of_trailer(file, last, size, announced)


def _image(file: BinaryIO, start: int, image_limits: ImageLimits, announced: AnnouncedTrailer) -> int:
    """The offset after the image that begins at `start`."""
    image_limits.frame()
    file.seek(start + 2)
    while (marker := _marker(file)) != _EOI:
        if marker == _SOI:
            raise MalformedImage("An image begins within another one.")
        length = read_struct(file, ">H")[0]
        if length < 2:
            raise MalformedImage("A segment of the JPEG has no length.")
        body = read_exactly(file, length - 2)
        if marker in _FRAMES and len(body) >= 5:
            image_limits.area(int.from_bytes(body[3:5], "big"), _height(body))
        elif marker in (_APP1, _APP2):
            announced.note(body)
        elif marker == _SOS:
            _skip_scan(file)
    return file.tell()


def _height(body: bytes) -> int:
    # A height of 0 means that a DNL segment has it. No writer makes that, and the decoder then fails.
    return int.from_bytes(body[1:3], "big") or 1


def _marker(file: BinaryIO) -> int:
    byte = read_exactly(file, 1)
    if byte != b"\xff":
        raise MalformedImage("A segment of the JPEG begins without a marker.")
    while byte == b"\xff":
        byte = read_exactly(file, 1)
    return byte[0]


def _skip_scan(file: BinaryIO) -> None:
    """Go to the marker that ends the scan."""
    offset = file.tell()
    while piece := file.read(PIECE):
        if marker := _MARKER.search(piece):
            file.seek(offset + marker.start())
            return
        offset += len(piece)
        if piece.endswith(b"\xff") and len(piece) > 1:
            offset -= 1
            file.seek(offset)
    raise truncated()
