"""What the readers of the image formats have in common: limits, objections, and reads that must not come up short."""

import struct
from collections.abc import Mapping
from typing import BinaryIO

from workers.inspection.parsers.port import Exceeded

PIECE = 65536
# What cameras, transfers and editors leave behind an image. It says nothing to anybody.
PADDING = b"\0\xff\r\n\t "


class MalformedImage(Exception):
    """The file breaks its format's rules; `code` says how."""

    def __init__(self, message: str, code: str = "malformed") -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ImageLimits:
    """Counts what an image asks for, against `image_pixels` and `image_frames`; raises Exceeded."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._pixels = limits["image_pixels"]
        self._most = limits["image_frames"]
        self.frames = 0

    def area(self, width: int, height: int) -> None:
        """A frame of this size is about to be decoded. Raises Broken for one without an area."""
        if width <= 0 or height <= 0:
            raise MalformedImage("an image in it has no area")
        if width * height > self._pixels:
            raise Exceeded(f"{width} × {height} pixels are more than the {self._pixels} that are looked at")

    def frame(self) -> None:
        """One more frame or page has begun."""
        self.frames += 1
        if self.frames > self._most:
            raise Exceeded(f"it has more than the {self._most} frames that are looked at")


def read_exactly(file: BinaryIO, count: int) -> bytes:
    """The next `count` bytes. Raises Broken where the file ends before."""
    taken = file.read(count)
    if len(taken) < count:
        raise truncated()
    return taken


def read_struct(file: BinaryIO, layout: str) -> tuple[int, ...]:
    """The next bytes as `struct` reads them. Raises Broken where the file ends before."""
    return struct.unpack(layout, read_exactly(file, struct.calcsize(layout)))


def truncated() -> MalformedImage:
    """The objection to a file that ends too soon."""
    return MalformedImage("the file ends before its image does", "truncated")


def skip_padding(file: BinaryIO, start: int, padding: bytes = PADDING) -> int:
    """The place of the first byte from `start` on that is none of `padding`; the file's end where there is none."""
    file.seek(start)
    while piece := file.read(PIECE):
        if rest := piece.lstrip(padding):
            return start + len(piece) - len(rest)
        start += len(piece)
    return start
