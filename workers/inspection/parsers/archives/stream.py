"""One compressed stream, or several that follow each other: gzip (RFC 1952), bzip2, xz, zstd (RFC 8878)."""

from collections.abc import Callable
from typing import BinaryIO

from workers.inspection.parsers.archives import decompressors
from workers.inspection.parsers.archives.decompressors import Decompressor
from workers.inspection.parsers.archives.errors import MalformedArchive
from workers.inspection.parsers.archives.formats import ArchiveFormat, begins_stream
from workers.inspection.parsers.archives.output import ArchiveOutput, WriteMember

NAME = "content"
_CHUNK = 64 << 10
_DECOMPRESSORS: dict[ArchiveFormat, Callable[[], Decompressor]] = {
    "gzip": decompressors.gzip,
    "bzip2": decompressors.bzip2,
    "xz": decompressors.xz,
    "zstd": decompressors.zstandard,
}
# Tapes are filled up with zeros, which gzip ignores; xz has stream padding (its specification, 2.2).
_PADDED: frozenset[ArchiveFormat] = frozenset({"gzip", "xz"})


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


def reader(kind: ArchiveFormat) -> Callable[[BinaryIO, int, ArchiveOutput], None]:
    """The reader of one compression; what it holds is one member."""

    def read(file: BinaryIO, _size: int, output: ArchiveOutput) -> None:
        source = _Source(file)
        with output.member(NAME) as take:
            _streams(kind, source, take)
        if source.head():
            output.finding(
                "trailing_data", "rejected", "Behind the end of the compressed data there are further bytes."
            )

    return read


def _streams(kind: ArchiveFormat, source: _Source, take: WriteMember) -> None:
    while True:
        decompressor = _DECOMPRESSORS[kind]()
        for piece in decompressors.decompressed(decompressor, source.read):
            take(piece, source.consumed)
        if not decompressor.eof:
            raise MalformedArchive("it ends in the middle of its compressed data")
        source.put_back(decompressor.unused_data)
        if kind in _PADDED:
            source.skip_zeros()
        if not begins_stream(kind, source.head()):
            return
