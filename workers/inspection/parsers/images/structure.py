"""What the readers of the image formats share: limits, errors, and reads that raise where the file ends."""

import struct
from collections.abc import Mapping
from typing import BinaryIO

from workers.inspection.parsers.port import LimitExceeded

PIECE = 65536
# Padding that cameras, transfers and editors write after an image. No program gives it a meaning.
PADDING = b"\0\xff\r\n\t "


class MalformedImage(Exception):
    """The image breaks its format's rules, or cannot be decoded: `code` and `message` are those of the finding."""

    def __init__(self, message: str, code: str = "malformed") -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ImageLimits:
    """The limits `image_pixels` and `image_frames` for one image: its methods raise LimitExceeded above them."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._max_pixels = limits["image_pixels"]
        self._max_frames = limits["image_frames"]
        self.frames = 0

    def area(self, width: int, height: int) -> None:
        """Test the dimensions of a frame. Raises MalformedImage for one without an area."""
        if width <= 0 or height <= 0:
            raise MalformedImage("An image in the file has no area.")
        if width * height > self._max_pixels:
            raise LimitExceeded(
                f"The image has {width} × {height} pixels; the limit is {self._max_pixels} (image_pixels)."
            )

    def frame(self) -> None:
        """Count one more frame or page."""
        self.frames += 1
        if self.frames > self._max_frames:
            raise LimitExceeded(f"The image has more than {self._max_frames} frames (image_frames).")


def read_exactly(file: BinaryIO, count: int) -> bytes:
    """The next `count` bytes. Raises MalformedImage where the file ends before."""
    taken = file.read(count)
    if len(taken) < count:
        raise truncated()
    return taken


def read_struct(file: BinaryIO, layout: str) -> tuple[int, ...]:
    """The next bytes, unpacked by `struct`. Raises MalformedImage where the file ends before."""
    return struct.unpack(layout, read_exactly(file, struct.calcsize(layout)))


def truncated() -> MalformedImage:
    """The error for a file that ends before its image does."""
    return MalformedImage("The file ends before its image does.", "truncated")


def skip_padding(file: BinaryIO, start: int, padding: bytes = PADDING) -> int:
    """The offset of the first byte from `start` on that is not padding; the end of the file where there is none."""
    file.seek(start)
    while piece := file.read(PIECE):
        if rest := piece.lstrip(padding):
            return start + len(piece) - len(rest)
        start += len(piece)
    return start
