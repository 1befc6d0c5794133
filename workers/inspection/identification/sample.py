"""The bytes under identification: the first ones at hand, the others by position."""

from functools import cached_property
from typing import BinaryIO

from workers.inspection.identification.encodings import decoded_as

HEAD = 64 * 1024
# A window's overlap holds the longest mark that is sought in it.
WINDOW = 1024 * 1024
OVERLAP = 4096


class Sample:
    """`head` has the first 64 KiB of the `size` bytes of `file`, which can be read at any position."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file = file
        self.size = size
        self.head = self.at(0, HEAD)

    def at(self, position: int, length: int) -> bytes:
        """Up to `length` bytes from `position`."""
        if position < 0 or position >= self.size:
            return b""
        self.file.seek(position)
        return self.file.read(min(length, self.size - position))

    @cached_property
    def is_text(self) -> bool:
        """Whether all of the bytes decode as text, which reads all of them."""
        return decoded_as(self.head, self.file, self.size) is not None

    @property
    def is_whole_text(self) -> bool:
        """Whether the bytes are text up to the last one, without NULs that fill a block."""
        return self.is_text and self.at(self.size - 1, 1) != b"\0"

    @property
    def tail(self) -> bytes:
        """The last 64 KiB and a little more: where the record that ends a zip must be."""
        return self.at(max(0, self.size - HEAD - 1024), HEAD + 1024)
