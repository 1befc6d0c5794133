"""JPEG (ITU-T T.81 annex B): segments, and scans, in which the byte after 0xFF distinguishes data from a marker.

A file may have several images: Multi-Picture Format (CIPA DC-007), Google's containers (gain maps, depth), previews of
cameras. All of them are decoded, at an eighth of their width and height: libjpeg then reads every bit of the scans, but
writes 1/64 of the pixels, so that memory hardly grows with the picture.

Like libjpeg this passes over fill bytes, stray bytes between segments and a missing end marker; each is a note.
"""

import re
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from workers.inspection.parsers.images import jpeg_trailer
from workers.inspection.parsers.images.decoding import decoding
from workers.inspection.parsers.images.structure import (
    PIECE,
    MalformedImage,
    Picture,
    reserve,
    skip_padding,
    truncated,
)
from workers.inspection.parsers.ranges import Part, joined

if TYPE_CHECKING:
    from PIL.Image import Image

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_APP0 = 0xE0
# The segments of programs and comments, in which Pillow reads more than the pixels need. APP14 tells the colours.
_TEXTS = frozenset({*range(0xE1, 0xF0), 0xFE}) - {0xEE}
_JFIF = 14
# SOI and an empty comment: Pillow wants a marker directly behind SOI.
_BEGINNING = b"\xff\xd8\xff\xfe\0\2"
# TEM and RST0 to RST7 have no length.
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
# SOF0 to SOF15 without DHT, JPG and DAC, which share their range.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ANY_MARKER = re.compile(rb"\xff[^\x00\xff]")
# What ends a scan: RST0 to RST7 are in it.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_SCALE = 8
# libjpeg shows what is missing as grey, without an error. So an image that has no end is decoded with two different
# tails: one that needs none of them is the same both times.
_TAILS = (b"\xff\xd9", bytes(i * 37 % 251 for i in range(4096)) + b"\xff\xd9")


class _Image(NamedTuple):
    """`parts` are the ranges of the file that a decoder needs."""

    parts: list[Part]
    end: int
    complete: bool


def examine(picture: Picture) -> None:
    """Decode every image in the file. Raises MalformedImage, LimitExceeded."""
    announced = jpeg_trailer.Announced()
    image = _examined(picture, 0, announced)
    while (following := _following(picture, image.end)) is not None:
        try:
            image = _examined(picture, following, announced)
        except MalformedImage:
            if announced.images:
                raise
            break
    jpeg_trailer.note(picture, image.end)


def _following(picture: Picture, end: int) -> int | None:
    """Where another image follows the one that ends at `end`."""
    start = skip_padding(picture.file, end, b"\0")
    picture.file.seek(start)
    return start if picture.file.read(3) == b"\xff\xd8\xff" else None


def _examined(picture: Picture, start: int, announced: jpeg_trailer.Announced) -> _Image:
    picture.frame()
    image = _Reader(picture, announced).read(start)
    if image.complete:
        _decoded(joined(picture.file, image.parts))
        return image
    shortened, filled = (_decoded(joined(picture.file, [*image.parts, tail])).tobytes() for tail in _TAILS)
    if shortened != filled:
        raise truncated()
    picture.note("The image has no end marker.")
    return image


def _decoded(file: BinaryIO) -> "Image":
    from PIL.JpegImagePlugin import JpegImageFile

    with decoding():
        image = JpegImageFile(file)
        image.draft(None, (max(1, image.width // _SCALE), max(1, image.height // _SCALE)))
        image.load()
    return image


class _Reader:
    """Reads the structure of one image."""

    def __init__(self, picture: Picture, announced: jpeg_trailer.Announced) -> None:
        self._picture = picture
        self._file = picture.file
        self._announced = announced
        self._scans = 0
        self._frame = b""
        self._parts: list[Part] = []
        self._kept = 0  # where the part that is being read begins

    def read(self, start: int) -> _Image:
        """The image that begins at `start`. Raises MalformedImage where it has no scan, LimitExceeded."""
        self._kept = start + 2
        self._file.seek(self._kept)
        while (marker := self._marker()) is not None:
            if marker == _EOI:
                if not self._scans:
                    raise MalformedImage("There is no image in the JPEG.")
                return self._ended(self._file.tell(), complete=True)
            if marker == _SOI:
                return self._without_end(self._file.tell() - 2)
            if marker not in _ALONE and not self._segment(marker):
                break
        return self._without_end(self._picture.size)

    def _without_end(self, end: int) -> _Image:
        if not self._scans:
            raise truncated() if end == self._picture.size else MalformedImage("An image begins within another one.")
        return self._ended(end, complete=False)

    def _ended(self, end: int, *, complete: bool) -> _Image:
        return _Image([_BEGINNING, *self._parts, (self._kept, end)], end, complete)

    def _leave_out(self, length: int) -> None:
        """Keep the segment that ends here from the decoder."""
        end = self._file.tell()
        self._parts.append((self._kept, end - length - 2))
        self._kept = end

    def _marker(self) -> int | None:
        """The next marker; None at the end of the file."""
        start = self._file.tell()
        found = self._find(_ANY_MARKER)
        if found is None:
            return None
        self._file.seek(start)
        if self._file.read(min(found - start, PIECE)).strip(b"\xff"):
            self._picture.note("Stray bytes stand between the segments of the JPEG.")
        self._file.seek(found + 1)
        return self._file.read(1)[0]

    def _find(self, pattern: re.Pattern[bytes]) -> int | None:
        """Go to the next match of `pattern`; its offset, None at the end of the file."""
        offset = self._file.tell()
        while piece := self._file.read(PIECE):
            if found := pattern.search(piece):
                return self._file.seek(offset + found.start())
            offset += len(piece)
            # A marker may begin in this piece and end in the next one.
            if piece.endswith(b"\xff") and len(piece) > 1:
                offset = self._file.seek(offset - 1)
        return None

    def _segment(self, marker: int) -> bool:
        """Read a segment; False where the file ends within one that stands behind a scan."""
        header = self._file.read(2)
        length = int.from_bytes(header, "big")
        if len(header) == 2 and length < 2:
            raise MalformedImage("A segment of the JPEG has no length.")
        body = self._file.read(max(0, length - 2))
        if len(header) + len(body) < length or len(header) < 2:
            return self._ends_early()
        if marker in _FRAMES and len(body) >= 6:
            # A height of 0 means that a DNL segment has it. No writer makes that, and the decoder then fails.
            self._picture.area(int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big") or 1)
            self._frame = body
        elif marker == _SOS:
            self._scan()
        elif marker in _TEXTS or (marker == _APP0 and len(body) < _JFIF):
            self._announced.note(body)
            self._leave_out(length)
        return True

    def _ends_early(self) -> bool:
        if not self._scans:
            raise truncated()
        return False

    def _scan(self) -> None:
        """Go to the marker that ends the scan, or to the end of the file."""
        self._scans += 1
        if self._scans == 2:
            self._reserve()
        self._find(_MARKER)

    def _reserve(self) -> None:
        """For several scans libjpeg keeps the coefficients of all samples: two bytes each."""
        height, width = int.from_bytes(self._frame[1:3], "big"), int.from_bytes(self._frame[3:5], "big")
        factors = [(each >> 4) * (each & 15) for each in self._frame[7::3]]
        most = max(factors, default=0)
        if most:
            reserve(2 * width * height * sum(factors) // most, width, height)
