"""Chance, fetched in advance: each call of the kernel for it costs as much as a MAC."""

from service.ports import Random

FETCHED = 4096


class Pool:
    """A Random over another: no byte is given out twice.

    For one process: a fork would give out the same bytes as its parent.
    """

    def __init__(self, source: Random, fetched: int = FETCHED) -> None:
        self._source = source
        self._fetched = fetched
        self._bytes = b""
        self._at = 0

    def __call__(self, count: int) -> bytes:
        start, end = self._at, self._at + count
        if end > len(self._bytes):
            self._bytes = self._source(max(count, self._fetched))
            start, end = 0, count
        self._at = end
        return self._bytes[start:end]
