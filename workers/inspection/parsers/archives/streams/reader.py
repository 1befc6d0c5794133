"""One compressed stream, or several in a row: gzip (RFC 1952), bzip2, xz, zstd (RFC 8878)."""

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
# gzip ignores the zeros that fill up a tape; xz has stream padding (section 2.2 of its specification).
_PADDED: frozenset[ArchiveFormat] = frozenset({"gzip", "xz"})


class _Source:
    """Reads the file from its start, and can show the next bytes without consuming them."""

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


def reader(archive_format: ArchiveFormat) -> Callable[[BinaryIO, int, ArchiveOutput], None]:
    """The reader of one compression format; the content is one member."""

    def read(file: BinaryIO, _size: int, output: ArchiveOutput) -> None:
        source = _Source(file)
        with output.member(NAME) as write:
            _streams(archive_format, source, write)
        if source.head():
            output.finding("trailing_data", "There are further bytes after the end of the compressed data.")

    return read


def _streams(archive_format: ArchiveFormat, source: _Source, write: WriteMember) -> None:
    while True:
        decompressor = _DECOMPRESSORS[archive_format]()
        for piece in decompressors.decompressed(decompressor, source.read):
            write(piece, source.consumed)
        if not decompressor.eof:
            raise MalformedArchive("it ends in the middle of its compressed data")
        source.put_back(decompressor.unused_data)
        if archive_format in _PADDED:
            source.skip_zeros()
        if not begins_stream(archive_format, source.head()):
            return
