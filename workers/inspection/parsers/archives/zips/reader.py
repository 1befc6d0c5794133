"""Zip. Section numbers are those of https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.

How it works. Programs differ in how they read a zip: some follow the directory at its end, some the local header before
each entry's content. An archive that shows them two contents could be harmless as this parser reads it, and dangerous
as another program does. So everything must say the same thing, or the archive is malformed:

1. The directory is found from the end of the file, where it must be without a gap (`zip_directory`).
2. No two entries have the same name.
3. Each entry's local header, and the descriptor after its content, must repeat what the directory says.
4. The entries must follow each other from the start of the file to the directory. Overlapping entries are refused, as a
   zip bomb has them; so is an entry between them that the directory does not list.
5. Only now is anything decompressed. The limits count the bytes that come out, whatever the headers declare. Size and
   checksum must match the directory.

Encrypted entries and unknown compression methods are findings of their own; the other entries are still handed out.
"""

import stat
import struct
import zlib
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import BinaryIO, NamedTuple

from workers.inspection.parsers.archives import decompressors, zip_directory
from workers.inspection.parsers.archives.decompressors import Decompressor
from workers.inspection.parsers.archives.errors import MalformedArchive, UnreadableArchive
from workers.inspection.parsers.archives.output import ArchiveOutput, WriteMember, quoted
from workers.inspection.parsers.archives.zip_directory import MASKED_32, UTF8, ZipDirectory, ZipEntry, read_exactly

_ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13  # 4.4.4: traditional, strong, and an encrypted directory
_DESCRIPTOR = 1 << 3
_AES = 99
_LZMA = 14
_CHUNK = 64 << 10
_LOCAL = struct.Struct("<4s5H3L2H")  # 4.3.7
_DECOMPRESSORS: dict[int, Callable[[], Decompressor]] = {
    0: decompressors.Uncompressed,
    8: decompressors.deflate,
    12: decompressors.bzip2,
    93: decompressors.zstandard,
    95: decompressors.xz,
}
_SPECIAL_FILES = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
}


class _LocatedEntry(NamedTuple):
    entry: ZipEntry
    data: int  # the offset of its content
    end: int  # the offset after its content and descriptor


def read(file: BinaryIO, size: int, output: ArchiveOutput) -> None:
    """Hand out the entries. Raises MalformedArchive and LimitExceeded."""
    directory = zip_directory.read(file, size, output)
    _reject_duplicate_names(directory.entries)
    located = [_locate(file, entry, directory.start) for entry in directory.entries]
    if not _check_layout(file, located, directory, output):
        return
    for one in located:
        _report_entry(one.entry, output)
        if not one.entry.flags & _ENCRYPTED and one.entry.method != _AES:
            _unpack(file, one, output)


def _reject_duplicate_names(entries: Iterable[ZipEntry]) -> None:
    seen: set[bytes] = set()
    for entry in entries:
        if entry.raw_name in seen:
            raise MalformedArchive(f"it has two entries with the name {quoted(entry.name)}")
        seen.add(entry.raw_name)


def _report_entry(entry: ZipEntry, output: ArchiveOutput) -> None:
    if entry.flags & _ENCRYPTED or entry.method == _AES:
        output.finding("encrypted", f"The archive's entry {quoted(entry.name)} is encrypted.")
    if what := _SPECIAL_FILES.get(stat.S_IFMT(entry.mode)):
        output.link(entry.name, what)


def _locate(file: BinaryIO, entry: ZipEntry, limit: int) -> _LocatedEntry:
    """Where the entry's content is. Its local header must say what the directory says."""
    if entry.offset + _LOCAL.size > limit:
        raise MalformedArchive(f"its entry {quoted(entry.name)} is at the wrong offset")
    file.seek(entry.offset)
    mark, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(
        read_exactly(file, _LOCAL.size)
    )
    if mark != b"PK\x03\x04":
        raise MalformedArchive(f"its entry {quoted(entry.name)} is at the wrong offset")
    name = read_exactly(file, name_length)
    extra = zip_directory.extra_fields(read_exactly(file, extra_length))
    data = entry.offset + _LOCAL.size + name_length + extra_length
    if (name, method, flags & ~UTF8) != (entry.raw_name, entry.method, entry.flags & ~UTF8):
        raise MalformedArchive(f"the header of its entry {quoted(entry.name)} differs from the directory")
    if flags & _DESCRIPTOR:
        _check_early_sizes((crc, packed, size), entry)
        return _LocatedEntry(entry, data, _end_of_descriptor(file, data + entry.packed, entry))
    size, packed = zip_directory.zip64_values(extra, (size, packed))
    if (crc, packed, size) != (entry.crc, entry.packed, entry.size):
        raise MalformedArchive(f"the header of its entry {quoted(entry.name)} differs from the directory")
    return _LocatedEntry(entry, data, data + entry.packed)


def _check_early_sizes(declared: tuple[int, int, int], entry: ZipEntry) -> None:
    """Where a descriptor follows, the local header has zeros, the real values, or the mask of a 64-bit value."""
    for value, known in zip(declared, (entry.crc, entry.packed, entry.size), strict=True):
        if value not in {0, MASKED_32, known}:
            raise MalformedArchive(f"the header of its entry {quoted(entry.name)} differs from the directory")


def _end_of_descriptor(file: BinaryIO, at: int, entry: ZipEntry) -> int:
    """The end of the descriptor at `at`, which has a signature or not, and sizes of 32 or 64 bits (4.3.9)."""
    file.seek(at)
    text = file.read(24)
    for layout, mark in (("<4s3L", True), ("<4sL2Q", True), ("<3L", False), ("<L2Q", False)):
        length = struct.calcsize(layout)
        if len(text) < length:
            continue
        values = struct.unpack_from(layout, text)
        if values == ((b"PK\x07\x08",) if mark else ()) + (entry.crc, entry.packed, entry.size):
            return at + length
    raise MalformedArchive(f"the descriptor of its entry {quoted(entry.name)} differs from the directory")


def _check_layout(file: BinaryIO, located: list[_LocatedEntry], directory: ZipDirectory, output: ArchiveOutput) -> bool:
    """Whether the entries do not overlap. Raises MalformedArchive where an entry is not listed in the directory."""
    file.seek(0)
    # The mark of a split archive that fits into one file (8.5.4, 8.5.5).
    at = 4 if file.read(8) in {b"PK\x07\x08PK\x03\x04", b"PK00PK\x03\x04"} else 0
    for start, end in [*sorted((one.entry.offset, one.end) for one in located), (directory.start, directory.start)]:
        if start < at:
            output.finding("overlapping_entries", "Entries of the archive share the same bytes.")
            return False
        if start > at:
            file.seek(at)
            if at == 0 or file.read(4) == b"PK\x03\x04":
                raise MalformedArchive("it has an entry that its directory does not list")
        at = end
    return True


def _unpack(file: BinaryIO, one: _LocatedEntry, output: ArchiveOutput) -> None:
    entry, source = one.entry, _CompressedData(file, one.data, one.entry.packed)
    try:
        decompressor = _decompressor(entry.method, source)
        with nullcontext(_refuse_content) if entry.name.endswith("/") else output.member(entry.name) as write:
            _write_member(entry, source, decompressor, write)
    except MalformedArchive as error:
        output.malformed(error, entry.name)
    except UnreadableArchive as error:
        output.finding(error.code, f"The archive's entry {quoted(entry.name)} {error.message}.")


class _CompressedData:
    """Reads the compressed bytes of one entry, from its start."""

    def __init__(self, file: BinaryIO, start: int, length: int) -> None:
        file.seek(start)
        self._file = file
        self.left = length
        self.consumed = 0

    def read(self, length: int = _CHUNK) -> bytes:
        data = read_exactly(self._file, min(length, self.left))
        self.left -= len(data)
        self.consumed += len(data)
        return data


def _decompressor(method: int, source: _CompressedData) -> Decompressor:
    if method in _DECOMPRESSORS:
        return _DECOMPRESSORS[method]()
    if method != _LZMA:
        raise UnreadableArchive("unsupported_compression", "is compressed by an unknown method")
    head = source.read(4)  # 5.8.8: a version and the length of the properties
    return decompressors.lzma1(source.read(int.from_bytes(head[2:], "little")))


def _write_member(entry: ZipEntry, source: _CompressedData, decompressor: Decompressor, write: WriteMember) -> None:
    crc = size = 0
    for piece in decompressors.decompressed(decompressor, source.read):
        size += len(piece)
        if size > entry.size:
            raise MalformedArchive("it unpacks to more than its declared size")
        crc = zlib.crc32(piece, crc)
        write(piece, source.consumed)
    if source.left or decompressor.unused_data:
        raise MalformedArchive("there are further bytes after its compressed data")
    if (size, crc) != (entry.size, entry.crc):
        raise MalformedArchive("its size or checksum differs from the declared one")


def _refuse_content(_piece: bytes, _consumed: int) -> None:
    raise MalformedArchive("it is a folder with content")
