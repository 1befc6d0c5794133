"""A file that is made of parts of another one and of bytes of our own, without a copy.

Decoders read whole files. With this they read a picture that begins within an object, or one without the part that
is wrong and that no program needs.
"""

import bisect
import io
from collections.abc import Sequence
from itertools import accumulate
from typing import BinaryIO, cast

Part = bytes | tuple[int, int]
"""Bytes, or the start and the end of a range of the file."""


def section(file: BinaryIO, start: int, end: int) -> BinaryIO:
    """The bytes of `file` from `start` to before `end`, as a file. It is `file` itself where that is all of it."""
    if start == 0 and end == file.seek(0, io.SEEK_END):
        file.seek(0)
        return file
    return joined(file, [(start, end)])


def joined(file: BinaryIO, parts: Sequence[Part]) -> BinaryIO:
    """One file of all `parts`, in order. Closing it leaves `file` open."""
    return cast("BinaryIO", io.BufferedReader(_Joined(file, parts), 65536))


class _Joined(io.RawIOBase):
    def __init__(self, file: BinaryIO, parts: Sequence[Part]) -> None:
        self._file = file
        self._parts = [part for part in parts if _length(part) > 0]
        self._starts = [0, *accumulate(_length(part) for part in self._parts)]
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = (0, self._at, self._starts[-1])[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._at >= self._starts[-1]:
            return 0
        number = bisect.bisect_right(self._starts, self._at) - 1
        data = self._piece(self._parts[number], self._at - self._starts[number], len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _piece(self, part: Part, skipped: int, most: int) -> bytes:
        if isinstance(part, bytes):
            return part[skipped : skipped + most]
        self._file.seek(part[0] + skipped)
        return self._file.read(min(most, part[1] - part[0] - skipped))


def _length(part: Part) -> int:
    return len(part) if isinstance(part, bytes) else part[1] - part[0]
