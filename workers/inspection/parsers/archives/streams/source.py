"""The compressed bytes, of which the next ones can be looked at before they are consumed."""

from typing import BinaryIO

_CHUNK = 64 << 10


class Source:
    """Reads `file` from its position; `at` is the position of the next byte that was not consumed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._ahead = b""
        self.at = file.tell()

    def read(self) -> bytes:
        data, self._ahead = self._ahead or self._file.read(_CHUNK), b""
        self.at += len(data)
        return data

    def put_back(self, data: bytes) -> None:
        self._ahead = data + self._ahead
        self.at -= len(data)

    def head(self, length: int = 32) -> bytes:
        """The next bytes: at least `length`, where there are so many."""
        while len(self._ahead) < length and (data := self._file.read(max(_CHUNK, length - len(self._ahead)))):
            self._ahead += data
        return self._ahead

    def take(self, length: int) -> bytes:
        """Consume up to `length` bytes."""
        data = self.head(length)[:length]
        self._ahead = self._ahead[len(data) :]
        self.at += len(data)
        return data

    def skip_zeros(self) -> None:
        while head := self.head():
            rest = head.lstrip(b"\0")
            self.at += len(head) - len(rest)
            self._ahead = rest
            if rest:
                return
