"""Hands out the entries of a zip."""

import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import BinaryIO

from workers.inspection.parsers.archives import decompressors
from workers.inspection.parsers.archives.decompressors import Decompressor
from workers.inspection.parsers.archives.errors import MalformedArchive, UnreadableArchive
from workers.inspection.parsers.archives.output import LONGEST_TARGET, SPECIAL_FILES, ArchiveOutput, WriteMember, quoted
from workers.inspection.parsers.archives.rest import report_rest
from workers.inspection.parsers.archives.zips import directory as zip_directory
from workers.inspection.parsers.archives.zips.entries import LocatedEntry, ZipEntry, locate, read_exactly
from workers.inspection.parsers.archives.zips.layout import is_disjoint

_PPMD, _LZMA = 98, 14
_CHUNK = 64 << 10
_DECOMPRESSORS: dict[int, Callable[[], Decompressor]] = {
    0: decompressors.Uncompressed,
    8: decompressors.deflate,
    9: decompressors.Inflate64,
    12: decompressors.bzip2,
    20: decompressors.zstandard,
    93: decompressors.zstandard,
    95: decompressors.xz,
}


def read(file: BinaryIO, size: int, start: int, output: ArchiveOutput) -> None:
    """Hand out the entries; before `start` stand other bytes. Raises MalformedArchive, UnreadableArchive and
    LimitExceeded.
    """
    directory = zip_directory.read(file, size, output)
    located = [locate(file, entry, directory.start, output) for entry in directory.entries]
    if not is_disjoint(file, start, located, directory, output):
        return
    others: dict[str, ZipEntry] = {}
    for one in located:
        _check_entry(one.entry, output)
        if one.entry.encrypted:
            continue
        if one.entry.method == _PPMD:
            others[one.entry.name] = one.entry
        else:
            _unpack(one.entry, partial(_decompressed, file, one), output)
    if others:
        _unpack_by_library(file, others, output)
    report_rest(file, directory.end, output)


def _check_entry(entry: ZipEntry, output: ArchiveOutput) -> None:
    if entry.encrypted:
        output.finding("encrypted", f"The archive's entry {quoted(entry.name)} is encrypted.")
    kind = stat.S_IFMT(entry.mode)
    # What `zip` reads from a pipe has the pipe's mode, and is unpacked as a file.
    if kind in SPECIAL_FILES and not (kind == stat.S_IFIFO and entry.size):
        output.special_file(entry.name, kind)
    if not entry.is_folder:
        output.content(entry.name, entry.size, entry.crc)


def _unpack(entry: ZipEntry, content: Callable[[], Iterator[bytes]], output: ArchiveOutput) -> None:
    try:
        pieces = _checked(entry, content())
        if entry.is_folder:
            _refuse_content(pieces)
        elif stat.S_ISLNK(entry.mode):
            output.link_file(entry.name, _target(pieces))
        else:
            with output.member(entry.name) as write:
                _write(pieces, write)
    except MalformedArchive as error:
        output.malformed(error, entry.name)
    except UnreadableArchive as error:
        output.finding(error.code, f"The archive's entry {quoted(entry.name)} {error.message}.")


def _unpack_by_library(file: BinaryIO, entries: dict[str, ZipEntry], output: ArchiveOutput) -> None:
    """PPMd, which the system's library unpacks within the limits of the process."""
    from workers.inspection.parsers.archives.system import library as system_library

    left = dict(entries)
    with suppress(UnreadableArchive):
        for name, content in system_library.contents(file, "zip", entries):
            if (entry := left.pop(name, None)) is not None:
                _unpack(entry, partial(iter, content), output)
    for name in left:
        output.finding("unsupported_compression", f"The archive's entry {quoted(name)} cannot be unpacked here.")


def _write(pieces: Iterator[bytes], write: WriteMember) -> None:
    for piece in pieces:
        write(piece)


def _target(pieces: Iterator[bytes]) -> bytes:
    target = bytearray()
    for piece in pieces:
        target += piece
        if len(target) > LONGEST_TARGET:
            raise MalformedArchive("it is a link with a path that is too long")
    return bytes(target)


def _refuse_content(pieces: Iterator[bytes]) -> None:
    if any(pieces):
        raise MalformedArchive("it is a folder with content")


def _checked(entry: ZipEntry, content: Iterator[bytes]) -> Iterator[bytes]:
    """The entry's content. Raises MalformedArchive where it is not of the declared size and checksum."""
    crc = length = 0
    for piece in content:
        length += len(piece)
        if length > entry.size:
            raise MalformedArchive("it unpacks to more than its declared size")
        crc = zlib.crc32(piece, crc)
        yield piece
    if (length, crc) != (entry.size, entry.crc):
        raise MalformedArchive("its size or checksum differs from the declared one")


def _decompressed(file: BinaryIO, one: LocatedEntry) -> Iterator[bytes]:
    source = _CompressedData(file, one.data, one.entry.packed)
    return _to_the_end(_decompressor(one.entry.method, source), source)


def _to_the_end(decompressor: Decompressor, source: "_CompressedData") -> Iterator[bytes]:
    yield from decompressors.decompressed(decompressor, source.read)
    if source.left or decompressor.unused_data:
        raise MalformedArchive("there are further bytes after its compressed data")


class _CompressedData:
    """Reads the compressed bytes of one entry, from its start."""

    def __init__(self, file: BinaryIO, start: int, length: int) -> None:
        file.seek(start)
        self._file = file
        self.left = length

    def read(self, length: int = _CHUNK) -> bytes:
        data = read_exactly(self._file, min(length, self.left))
        self.left -= len(data)
        return data


def _decompressor(method: int, source: _CompressedData) -> Decompressor:
    if method in _DECOMPRESSORS:
        return _DECOMPRESSORS[method]()
    if method != _LZMA:
        raise UnreadableArchive("unsupported_compression", "is compressed by an unknown method")
    head = source.read(4)  # 5.8.8: a version and the length of the properties
    return decompressors.lzma1(source.read(int.from_bytes(head[2:], "little")))
