"""A part of a file, read as if it were one: a PDF that begins behind other bytes or ends before them."""

import io
from typing import BinaryIO, cast


class Window(io.RawIOBase):
    """The bytes of `file` from `start` to `end`. Positions count from `start`; only reading and seeking work."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        self._file = file
        self._start = start
        self._size = max(end - start, 0)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(self._size - self._at, 0)
        wanted = left if size is None or size < 0 else min(size, left)
        self._file.seek(self._start + self._at)
        data = self._file.read(wanted)
        self._at += len(data)
        return data

    def readinto(self, buffer: bytearray, /) -> int:  # type: ignore[override]  # typeshed's Buffer has no length
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def tell(self) -> int:
        return self._at


def window(file: BinaryIO, start: int, end: int, size: int) -> BinaryIO:
    """The bytes of `file`, which has `size` bytes, from the offset `start` to the offset `end`."""
    if (start, end) == (0, size):
        return file
    return cast("BinaryIO", Window(file, start, end))
