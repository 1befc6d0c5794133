"""The blocks of a RAR archive, which tell what the system's library does not: where it ends, whether it is one part of
several, and whether it has streams that are unpacked beside its files.

https://www.rarlab.com/technote.htm (RAR 5) and the older technote of UnRAR's sources (RAR 1.5 to 4).
"""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from workers.inspection.parsers.archives.errors import MalformedArchive, UnreadableArchive
from workers.inspection.parsers.archives.output import ArchiveOutput

RAR_5, RAR_4 = b"Rar!\x1a\x07\x01\x00", b"Rar!\x1a\x07\x00"
_LONGEST_HEADER = 2 << 20  # RAR 5's own limit
_MOST_BLOCKS = 1_000_000
_ENCRYPTED = "The archive is encrypted."
_STREAM = b"STM"


class _Block(NamedTuple):
    """A block from `start` to `end`. `name` is that of a service block, b"" in others."""

    end: int
    name: bytes = b""
    last: bool = False


def end_of(file: BinaryIO, size: int, output: ArchiveOutput) -> int:
    """The offset of the archive's end. Raises MalformedArchive, and UnreadableArchive for a part of a split archive."""
    file.seek(0)
    blocks = _blocks_5 if file.read(len(RAR_5)) == RAR_5 else _blocks_4
    end = 0
    for number, block in enumerate(blocks(file)):
        if block.end > size or number >= _MOST_BLOCKS:
            raise MalformedArchive("it ends too early")
        if block.name == _STREAM:
            output.finding("hidden_entry", "The archive has streams that Windows unpacks beside its files.")
        end = block.end
        if block.last:
            break
    return end


def _blocks_5(file: BinaryIO) -> Iterator[_Block]:
    at = len(RAR_5)
    while header := _header_5(file, at):
        start, length = header
        fields = _Fields(file.read(length))
        kind, flags = fields.number(), fields.number()
        if kind == 4:
            raise UnreadableArchive("encrypted", _ENCRYPTED)
        if flags & 1:
            fields.number()  # the length of the extra area
        data = fields.number() if flags & 2 else 0
        if flags & 0x18 or (kind == 1 and fields.number() & 1):
            raise UnreadableArchive("unsupported", "The archive is one part of a split archive.")
        at = start + length + data
        yield _Block(at, fields.service_name() if kind == 3 else b"", kind == 5)


def _header_5(file: BinaryIO, at: int) -> tuple[int, int] | None:
    """Where the header of the block at `at` begins behind its length, and that length; None at the end of the file."""
    file.seek(at)
    start = file.read(4 + 3)
    if not start:
        return None
    fields = _Fields(start[4:])
    length = fields.number()
    if not 0 < length <= _LONGEST_HEADER:
        raise MalformedArchive("its blocks are not valid")
    file.seek(at + 4 + fields.at)
    return at + 4 + fields.at, length


class _Fields:
    """Numbers of RAR 5: seven bits a byte, the lowest first, and the eighth says that another byte follows."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def number(self) -> int:
        value = shift = 0
        while self.at < len(self._data) and shift < 70:
            byte = self._data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return value
            shift += 7
        raise MalformedArchive("its blocks are not valid")

    def service_name(self) -> bytes:
        """The name of a service block, behind its flags, size, attributes, times, checksum and method."""
        flags = self.number()
        self.number()
        self.number()
        self.at += (4 if flags & 2 else 0) + (4 if flags & 4 else 0)
        self.number()
        self.number()
        length = self.number()
        return self._data[self.at : self.at + length]


def _blocks_4(file: BinaryIO) -> Iterator[_Block]:
    at = len(RAR_4)
    while True:
        file.seek(at)
        header = file.read(36)
        if len(header) < 7:
            return
        kind, flags, length = header[2], int.from_bytes(header[3:5], "little"), int.from_bytes(header[5:7], "little")
        if length < 7 or not 0x72 <= kind <= 0x7B:
            raise MalformedArchive("its blocks are not valid")
        _check_flags_4(kind, flags)
        data = 0
        if flags & 0x8000 or kind in (0x74, 0x7A):
            data = int.from_bytes(header[7:11], "little")
        name = b""
        if kind in (0x74, 0x7A):
            data |= int.from_bytes(header[32:36], "little") << 32 if flags & 0x100 else 0
            file.seek(at + (40 if flags & 0x100 else 32))
            name = file.read(int.from_bytes(header[26:28], "little")) if kind == 0x7A else b""
        at += length + data
        yield _Block(at, name, kind == 0x7B)


def _check_flags_4(kind: int, flags: int) -> None:
    if kind == 0x73 and flags & 0x80:
        raise UnreadableArchive("encrypted", _ENCRYPTED)
    if (kind == 0x73 and flags & 1) or (kind == 0x74 and flags & 3):
        raise UnreadableArchive("unsupported", "The archive is one part of a split archive.")
