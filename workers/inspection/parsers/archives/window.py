"""A file as it is from an offset on: an archive behind a stub or other bytes."""

import io
from typing import BinaryIO, cast


class Window(io.RawIOBase):
    """The bytes of `file` from `start` on. Positions count from there; only reading and seeking work."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file = file
        self._start = start
        file.seek(start)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        return self._file.read(-1 if size is None else size)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset + (self._start if whence == io.SEEK_SET else 0), whence) - self._start

    def tell(self) -> int:
        return self._file.tell() - self._start


def from_start(file: BinaryIO, start: int) -> BinaryIO:
    """`file` from the offset `start` on, at its beginning."""
    if start:
        return cast("BinaryIO", Window(file, start))
    file.seek(0)
    return file
