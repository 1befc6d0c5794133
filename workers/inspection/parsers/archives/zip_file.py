"""Zip: every entry by the directory, which has to agree with the entries' own headers and with what comes out.

Readers differ in which of the two they believe, so an archive that says two things is refused. Section numbers are
those of https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
"""

import stat
import struct
import zlib
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import BinaryIO, NamedTuple

from workers.inspection.parsers.archives import decoders, zip_directory
from workers.inspection.parsers.archives.broken import Broken, Closed
from workers.inspection.parsers.archives.decoders import Decoder
from workers.inspection.parsers.archives.tally import Take, Tally, shown
from workers.inspection.parsers.archives.zip_directory import MASKED_32, UTF8, Directory, Entry, exactly

_ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13  # 4.4.4: traditional, strong, and a masked directory
_DESCRIPTOR = 1 << 3
_AES = 99
_LZMA = 14
_CHUNK = 64 << 10
_LOCAL = struct.Struct("<4s5H3L2H")  # 4.3.7
_DECODERS: dict[int, Callable[[], Decoder]] = {
    0: decoders.Stored,
    8: decoders.deflate,
    12: decoders.bzip2,
    93: decoders.zstandard,
    95: decoders.xz,
}
_NO_FILES = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
}


class _Placed(NamedTuple):
    entry: Entry
    data: int  # where its bytes begin
    end: int  # where what belongs to it ends


def read(file: BinaryIO, size: int, tally: Tally) -> None:
    """Hand out the entries; what the directory and its layout say is looked at before anything is unpacked."""
    directory = zip_directory.read(file, size, tally)
    _no_two(directory.entries)
    placed = [_place(file, entry, directory.start) for entry in directory.entries]
    if not _layout(file, sorted(placed, key=lambda one: (one.entry.offset, one.end)), directory, tally):
        return
    for one in placed:
        _objections(one.entry, tally)
        if not one.entry.flags & _ENCRYPTED and one.entry.method != _AES:
            _unpack(file, one, tally)


def _no_two(entries: Iterable[Entry]) -> None:
    seen: set[bytes] = set()
    for entry in entries:
        if entry.raw_name in seen:
            raise Broken(f"it has two entries of the name {shown(entry.name)}")
        seen.add(entry.raw_name)


def _objections(entry: Entry, tally: Tally) -> None:
    if entry.flags & _ENCRYPTED or entry.method == _AES:
        tally.found("encrypted", "unscannable", f"The archive's entry {shown(entry.name)} is encrypted.")
    if what := _NO_FILES.get(stat.S_IFMT(entry.mode)):
        tally.link(entry.name, what)


def _place(file: BinaryIO, entry: Entry, limit: int) -> _Placed:
    """Where an entry's bytes are, after its own header was found to say what the directory says."""
    if entry.offset + _LOCAL.size > limit:
        raise Broken(f"its entry {shown(entry.name)} is not where it should be")
    file.seek(entry.offset)
    mark, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(
        exactly(file, _LOCAL.size)
    )
    if mark != b"PK\x03\x04":
        raise Broken(f"its entry {shown(entry.name)} is not where it should be")
    name = exactly(file, name_length)
    extra = zip_directory.fields_of(exactly(file, extra_length))
    data = entry.offset + _LOCAL.size + name_length + extra_length
    if (name, method, flags & ~UTF8) != (entry.raw_name, entry.method, entry.flags & ~UTF8):
        raise Broken(f"the header of its entry {shown(entry.name)} differs from the directory")
    if flags & _DESCRIPTOR:
        _none_or_same((crc, packed, size), entry)
        return _Placed(entry, data, _behind_descriptor(file, data + entry.packed, entry))
    size, packed = zip_directory.widen(extra, (size, packed))
    if (crc, packed, size) != (entry.crc, entry.packed, entry.size):
        raise Broken(f"the header of its entry {shown(entry.name)} differs from the directory")
    return _Placed(entry, data, data + entry.packed)


def _none_or_same(told: tuple[int, int, int], entry: Entry) -> None:
    """Before a descriptor the header has zeros, or what the descriptor has too; masks stand for 64 bits."""
    for value, known in zip(told, (entry.crc, entry.packed, entry.size), strict=True):
        if value not in {0, MASKED_32, known}:
            raise Broken(f"the header of its entry {shown(entry.name)} differs from the directory")


def _behind_descriptor(file: BinaryIO, at: int, entry: Entry) -> int:
    """The end of the descriptor at `at`: with or without its mark, with sizes of 32 or 64 bits (4.3.9)."""
    file.seek(at)
    text = file.read(24)
    for layout, mark in (("<4s3L", True), ("<4sL2Q", True), ("<3L", False), ("<L2Q", False)):
        length = struct.calcsize(layout)
        if len(text) < length:
            continue
        values = struct.unpack_from(layout, text)
        if values == ((b"PK\x07\x08",) if mark else ()) + (entry.crc, entry.packed, entry.size):
            return at + length
    raise Broken(f"what stands behind its entry {shown(entry.name)} differs from the directory")


def _layout(file: BinaryIO, placed: list[_Placed], directory: Directory, tally: Tally) -> bool:
    """Whether the entries follow each other, from the file's start to the directory, without a hidden one between."""
    file.seek(0)
    at = 4 if file.read(8) in {b"PK\x07\x08PK\x03\x04", b"PK00PK\x03\x04"} else 0
    for start, end in [(one.entry.offset, one.end) for one in placed] + [(directory.start, directory.start)]:
        if start < at:
            tally.found("overlapping_entries", "rejected", "Entries of the archive share the same bytes.")
            return False
        if start > at:
            file.seek(at)
            if at == 0 or file.read(4) == b"PK\x03\x04":
                raise Broken("it holds an entry that its directory leaves out")
        at = end
    return True


def _unpack(file: BinaryIO, one: _Placed, tally: Tally) -> None:
    entry, source = one.entry, _Packed(file, one.data, one.entry.packed)
    try:
        decoder = _decoder(entry.method, source)
        with nullcontext(_nothing) if entry.name.endswith("/") else tally.member(entry.name) as take:
            _hand_out(entry, source, decoder, take)
    except Broken as broken:
        tally.broken(broken, entry.name)
    except Closed as closed:
        tally.found(closed.code, "unscannable", f"The archive's entry {shown(entry.name)} {closed.message}.")


class _Packed:
    """The compressed bytes of one entry, from its first."""

    def __init__(self, file: BinaryIO, start: int, length: int) -> None:
        file.seek(start)
        self._file = file
        self.left = length
        self.consumed = 0

    def read(self, length: int = _CHUNK) -> bytes:
        data = exactly(self._file, min(length, self.left))
        self.left -= len(data)
        self.consumed += len(data)
        return data


def _decoder(method: int, source: _Packed) -> Decoder:
    if method in _DECODERS:
        return _DECODERS[method]()
    if method != _LZMA:
        raise Closed("unsupported_compression", "is compressed in a way that is not known here")
    head = source.read(4)  # 5.8.8: a version, and the length of the properties
    return decoders.lzma1(source.read(int.from_bytes(head[2:], "little")))


def _hand_out(entry: Entry, source: _Packed, decoder: Decoder, take: Take) -> None:
    crc = taken = 0
    for piece in decoders.pieces(decoder, source.read):
        taken += len(piece)
        if taken > entry.size:
            raise Broken("it unpacks to more than it says")
        crc = zlib.crc32(piece, crc)
        take(piece, source.consumed)
    if source.left or decoder.unused_data:
        raise Broken("it has further bytes behind its compressed data")
    if (taken, crc) != (entry.size, entry.crc):
        raise Broken("its size or checksum differs from what it says")


def _nothing(_piece: bytes, _consumed: int) -> None:
    raise Broken("it is a folder and has content")
