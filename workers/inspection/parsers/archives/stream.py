"""One compressed stream, or several that follow each other: gzip (RFC 1952), bzip2, xz, zstd (RFC 8878)."""

from collections.abc import Callable
from typing import BinaryIO

from workers.inspection.parsers.archives import decoders
from workers.inspection.parsers.archives.broken import Broken
from workers.inspection.parsers.archives.decoders import Decoder
from workers.inspection.parsers.archives.signatures import Kind, begins_stream
from workers.inspection.parsers.archives.tally import Take, Tally

NAME = "content"
_CHUNK = 64 << 10
_DECODERS: dict[Kind, Callable[[], Decoder]] = {
    "gzip": decoders.gzip,
    "bzip2": decoders.bzip2,
    "xz": decoders.xz,
    "zstd": decoders.zstandard,
}
# Tapes are filled up with zeros, which gzip ignores; xz has stream padding (its specification, 2.2).
_PADDED: frozenset[Kind] = frozenset({"gzip", "xz"})


class _Source:
    """The file from the front, with a look at what comes next."""

    def __init__(self, file: BinaryIO) -> None:
        file.seek(0)
        self._file = file
        self._ahead = b""
        self.consumed = 0

    def read(self) -> bytes:
        data, self._ahead = self._ahead or self._file.read(_CHUNK), b""
        self.consumed += len(data)
        return data

    def put_back(self, data: bytes) -> None:
        self._ahead = data + self._ahead
        self.consumed -= len(data)

    def head(self) -> bytes:
        if len(self._ahead) < 16:
            self._ahead += self._file.read(_CHUNK)
        return self._ahead

    def skip_zeros(self) -> None:
        while head := self.head():
            rest = head.lstrip(b"\0")
            self.consumed += len(head) - len(rest)
            self._ahead = rest
            if rest:
                return


def reader(kind: Kind) -> Callable[[BinaryIO, int, Tally], None]:
    """The reader of one compression; what it holds is one member."""

    def read(file: BinaryIO, _size: int, tally: Tally) -> None:
        source = _Source(file)
        with tally.member(NAME) as take:
            _streams(kind, source, take)
        if source.head():
            tally.found("trailing_data", "rejected", "Behind the end of the compressed data there are further bytes.")

    return read


def _streams(kind: Kind, source: _Source, take: Take) -> None:
    while True:
        decoder = _DECODERS[kind]()
        for piece in decoders.pieces(decoder, source.read):
            take(piece, source.consumed)
        if not decoder.eof:
            raise Broken("it ends in the middle of its compressed data")
        source.put_back(decoder.unused_data)
        if kind in _PADDED:
            source.skip_zeros()
        if not begins_stream(kind, source.head()):
            return
