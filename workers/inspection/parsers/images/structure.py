"""What the readers of the image formats share: the picture with its limits, errors, and reads that raise at the end."""

import struct
from collections.abc import Mapping
from typing import BinaryIO

from workers.inspection.parsers.port import LimitExceeded, Output

PIECE = 65536
# Padding that cameras, transfers and editors write after an image. No program gives it a meaning.
PADDING = b"\0\xff\r\n\t\x1a "

# Some thumbnails in office documents end with two extra bytes. Two bytes can hold nothing dangerous.
_STRAY = 2
# How many times the limit for one frame all frames together may have: 100 scanned pages of 40 megapixels are good.
_ALL_FRAMES = 16


class MalformedImage(Exception):
    """The image breaks its format's rules, or cannot be decoded: `code` and `message` are those of the finding."""

    def __init__(self, message: str, code: str = "malformed") -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Picture:
    """One picture: `file` begins with it and has `size` bytes, some of which may not belong to it."""

    def __init__(self, file: BinaryIO, size: int, limits: Mapping[str, int], output: Output) -> None:
        self.file = file
        self.size = size
        self._max_pixels = limits["image_pixels"]
        self._max_frames = limits["image_frames"]
        self._frames = 0
        self._pixels = 0
        self._output = output
        self._noted: set[str] = set()

    def area(self, width: int, height: int) -> None:
        """Test the dimensions of a frame. Raises MalformedImage for one without an area, LimitExceeded."""
        if width <= 0 or height <= 0:
            raise MalformedImage("An image in the file has no area.")
        if width * height > self._max_pixels:
            raise LimitExceeded(
                f"The image has {width} × {height} pixels; the limit is {self._max_pixels} (image_pixels)."
            )

    def frame(self, width: int = 0, height: int = 0) -> None:
        """Count one more frame or page with these dimensions. Raises MalformedImage, LimitExceeded."""
        self._frames += 1
        if width or height:
            self.area(width, height)
        self._pixels += width * height
        if self._pixels > _ALL_FRAMES * self._max_pixels:
            raise LimitExceeded(
                f"All frames together have {self._pixels:,} pixels; the limit is {_ALL_FRAMES} times"
                f" {self._max_pixels:,} (image_pixels)."
            )
        if self._frames > self._max_frames:
            raise LimitExceeded(f"The image has more than {self._max_frames} frames (image_frames).")

    def note(self, message: str, code: str = "irregular") -> None:
        """Report what every decoder passes over; the same message once."""
        if message not in self._noted:
            self._noted.add(message)
            self._output.finding(code, message)

    def remains(self, end: int) -> None:
        """Note the bytes behind `end`, where the picture ends. What other formats they have is identification's."""
        left = self.size - skip_padding(self.file, end) if self.size - end > _STRAY else 0
        if left > 0:
            self.note(f"{left:,} bytes follow the end of the image.")


def reserve(count: int, width: int, height: int) -> None:
    """Raise LimitExceeded where the process cannot have `count` bytes of memory, which a decoder needs.

    Memory that is not written to is only address space, so this costs nothing. Decoders report a lack of memory in many
    ways, some of them as an error of the file.
    """
    try:
        bytearray(count)
    except MemoryError:
        raise LimitExceeded(
            f"The image has {width} × {height} pixels; to decode it takes {count // 1_000_000:,} MB of memory, which is"
            " more than an examiner may use."
        ) from None


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
