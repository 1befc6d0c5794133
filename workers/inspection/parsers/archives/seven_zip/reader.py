"""Hands out the files of a 7z archive, folder by folder."""

import stat
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from workers.inspection.parsers.archives.errors import MalformedArchive, UnreadableArchive
from workers.inspection.parsers.archives.output import LONGEST_TARGET, ArchiveOutput
from workers.inspection.parsers.archives.seven_zip import header as seven_zip_header
from workers.inspection.parsers.archives.seven_zip.coders import unpacked
from workers.inspection.parsers.archives.seven_zip.header import SevenZipEntry, SevenZipFolder, SevenZipHeader
from workers.inspection.parsers.archives.system import library as system_library

_REPARSE_POINT = 0x400
_CHUNK = 1 << 20
_UNKNOWN = "The archive is compressed by a method that cannot be unpacked here."


def read(file: BinaryIO, size: int, output: ArchiveOutput) -> None:
    """Hand out the files. Raises MalformedArchive, UnreadableArchive and LimitExceeded."""
    header = seven_zip_header.read(file, size, output)
    _check_entries(header, output)
    _check_gaps(file, header, output)
    for entry in header.empty_files:
        with output.member(entry.name):
            pass
    others: dict[str, SevenZipEntry] = {}
    for folder in header.folders:
        try:
            if folder.is_supported():
                _unpack(file, folder, output)
            else:
                others |= {entry.name: entry for entry in folder.entries}
        except UnreadableArchive as error:
            output.finding(error.code, error.message)
        except MalformedArchive as error:
            output.malformed(error)
    if others:
        _unpack_by_library(file, others, output)


def _check_entries(header: SevenZipHeader, output: ArchiveOutput) -> None:
    for entry in header.entries:
        output.entry(entry.name)
        if _mode(entry) not in {0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK}:
            output.special_file(entry.name, _mode(entry))
    for entry in [*header.empty_files, *(entry for folder in header.folders for entry in folder.entries)]:
        output.content(entry.name, entry.size, entry.crc if entry.size else 0)


def _mode(entry: SevenZipEntry) -> int:
    """The kind of file by the Unix mode, whether the flag says that it is there or not: programs differ in that."""
    return stat.S_IFMT(entry.attributes >> 16)


def _is_link(entry: SevenZipEntry) -> bool:
    return bool(entry.attributes & _REPARSE_POINT) or _mode(entry) == stat.S_IFLNK


def _check_gaps(file: BinaryIO, header: SevenZipHeader, output: ArchiveOutput) -> None:
    """Report folders that share bytes, and bytes between the parts that no part of the directory lists."""
    at = 0
    for start, end in sorted([*header.own, *((folder.start, folder.end) for folder in header.folders)]):
        if start < at and end > start:
            output.finding("overlapping_entries", "Entries of the archive share the same bytes.")
        if start > at and not _is_blank(file, at, start):
            output.finding("hidden_entry", "The archive has bytes that its directory does not list.")
        at = max(at, end)


def _is_blank(file: BinaryIO, start: int, end: int) -> bool:
    file.seek(start)
    return not any(file.read(min(_CHUNK, end - at)).strip(b"\0") for at in range(start, end, _CHUNK))


def _unpack(file: BinaryIO, folder: SevenZipFolder, output: ArchiveOutput) -> None:
    file.seek(folder.start)
    source = folder.decompressor()
    for entry in folder.entries:
        _hand_out(entry, _checked(entry, unpacked(file, source, entry.size)), output)


def _unpack_by_library(file: BinaryIO, entries: dict[str, SevenZipEntry], output: ArchiveOutput) -> None:
    left = dict(entries)
    try:
        for name, pieces in system_library.contents(file, "7zip", entries):
            if (entry := left.pop(name, None)) is not None:
                _hand_out(entry, _checked(entry, pieces), output)
    except UnreadableArchive as error:
        raise UnreadableArchive("unsupported_compression", _UNKNOWN) from error
    if left:
        raise UnreadableArchive("unsupported_compression", _UNKNOWN)


def _hand_out(entry: SevenZipEntry, pieces: Iterator[bytes], output: ArchiveOutput) -> None:
    if _is_link(entry):
        if entry.size > LONGEST_TARGET:
            raise MalformedArchive("it has a link with a path that is too long")
        output.link_file(entry.name, b"".join(pieces))
        return
    with output.member(entry.name) as write:
        for piece in pieces:
            write(piece)


def _checked(entry: SevenZipEntry, pieces: Iterator[bytes]) -> Iterator[bytes]:
    crc = size = 0
    for piece in pieces:
        crc, size = zlib.crc32(piece, crc), size + len(piece)
        yield piece
    if size != entry.size or (entry.crc is not None and crc != entry.crc):
        raise MalformedArchive("the size or the checksum of a file differs")
