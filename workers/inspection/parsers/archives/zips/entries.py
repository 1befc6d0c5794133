"""An entry of a zip: as the directory describes it, and where its content is by its local header."""

import struct
from typing import BinaryIO, NamedTuple

from airlock.content.file_names import extension
from workers.inspection.identification.zip_records import CENTRAL, CENTRAL_HEADER, DESCRIPTOR_MARK, LOCAL, LOCAL_HEADER
from workers.inspection.parsers.archives.errors import MalformedArchive, UnreadableArchive
from workers.inspection.parsers.archives.hidden import report_hidden
from workers.inspection.parsers.archives.output import ArchiveOutput, quoted
from workers.inspection.parsers.archives.paths import path_parts
from workers.inspection.parsers.port import LimitExceeded

MASKED_32 = 0xFFFFFFFF
_MASKED_16 = 0xFFFF
_UTF8 = 1 << 11
_ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13  # 4.4.4: traditional, strong, and an encrypted directory
_DESCRIPTOR = 1 << 3
_AES = 99
_ZIP64, _UNICODE_PATH = 0x0001, 0x7075
_UNICODE_MARK = _UNICODE_PATH.to_bytes(2, "little")
_USUAL = 80  # bytes of extra fields as programs of today write them
_LONGEST_NAME = 4096  # PATH_MAX of Linux
_DESCRIPTORS = (("<4s3L", True), ("<4sL2Q", True), ("<3L", False), ("<L2Q", False))


class ZipEntry(NamedTuple):
    """An entry as the directory describes it; sizes and the offset (of its local header, in the file) in bytes.

    `names` has each name that a program may unpack it to; most programs take the first one.
    """

    raw_name: bytes
    names: tuple[str, ...]
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int

    @property
    def name(self) -> str:
        return self.names[0]

    @property
    def encrypted(self) -> bool:
        return bool(self.flags & _ENCRYPTED) or self.method == _AES

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/") or (self.name.endswith("\\") and not self.size)


class LocatedEntry(NamedTuple):
    """Its content begins at `data`; what follows the content and the descriptor begins at `end`."""

    entry: ZipEntry
    data: int
    end: int


def read_exactly(file: BinaryIO, length: int) -> bytes:
    """The next `length` bytes; raises MalformedArchive where there are fewer."""
    data = file.read(length)
    if len(data) < length:
        raise MalformedArchive("it ends too early")
    return data


def parse_entry(file: BinaryIO, left: int, base: int, output: ArchiveOutput) -> tuple[ZipEntry, int]:
    """The entry at the file's position in the directory, of which `left` bytes are left, and its length."""
    fields = CENTRAL_HEADER.unpack(read_exactly(file, CENTRAL_HEADER.size))
    mark, _, _, flags, method, _, _, crc, packed, size, name_length, extra_length, comment_length = fields[:13]
    disk, _, attributes, offset = fields[13:]
    length = CENTRAL_HEADER.size + name_length + extra_length + comment_length
    if mark != CENTRAL or length > left:
        raise MalformedArchive("its directory is not valid")
    if name_length > _LONGEST_NAME:
        raise LimitExceeded(f"The archive has a name of more than {_LONGEST_NAME} bytes.")
    name = read_exactly(file, name_length)
    extra = read_exactly(file, extra_length)
    comment = read_exactly(file, comment_length)
    _check_hidden(extra, output)
    _check_hidden(comment, output)
    names = _names(name, flags, extra, output)
    size, packed, offset, disk = _zip64_values(extra, (size, packed, offset, disk))
    if disk:
        raise UnreadableArchive("unsupported", "The archive is one part of a split archive.")
    return ZipEntry(name, names, flags, method, crc, packed, size, offset + base, attributes >> 16), length


def locate(file: BinaryIO, entry: ZipEntry, limit: int, output: ArchiveOutput) -> LocatedEntry:
    """Where the entry's content is, before `limit`. Reports where its local header differs from the directory."""
    if entry.offset + LOCAL_HEADER.size > limit:
        raise MalformedArchive(f"its entry {quoted(entry.name)} is at the wrong offset")
    file.seek(entry.offset)
    mark, _, flags, method, _, _, crc, packed, size, name_length, extra_length = LOCAL_HEADER.unpack(
        read_exactly(file, LOCAL_HEADER.size)
    )
    if mark != LOCAL:
        raise MalformedArchive(f"its entry {quoted(entry.name)} is at the wrong offset")
    name = read_exactly(file, name_length)
    extra = read_exactly(file, extra_length)
    _check_hidden(extra, output)
    data = entry.offset + LOCAL_HEADER.size + name_length + extra_length
    if name != entry.raw_name or _UNICODE_MARK in extra:
        _check_local_names(entry, _names(name, flags, extra, output), output)
    if method != entry.method or (flags ^ entry.flags) & _ENCRYPTED:
        output.ambiguous(entry.name, "its two headers name different ways of unpacking it")
    if flags & _DESCRIPTOR:
        return _with_descriptor(file, entry, data, (crc, packed, size), output)
    if (crc, *_zip64_values(extra, (size, packed))) != (entry.crc, entry.size, entry.packed):
        output.ambiguous(entry.name, "its two headers differ in its size or checksum")
    return LocatedEntry(entry, data, data + entry.packed)


def _check_local_names(entry: ZipEntry, names: tuple[str, ...], output: ArchiveOutput) -> None:
    if set(names) - set(entry.names):
        output.check_names(*names)
        output.ambiguous(entry.name, "it has two names")


def _with_descriptor(
    file: BinaryIO, entry: ZipEntry, data: int, early: tuple[int, int, int], output: ArchiveOutput
) -> LocatedEntry:
    """The local header has zeros, the real values, or the mask of a 64-bit value; a descriptor follows the content."""
    end = data + entry.packed
    known = (entry.crc, entry.packed, entry.size)
    if any(value not in {0, MASKED_32, real} for value, real in zip(early, known, strict=True)):
        output.ambiguous(entry.name, "its two headers differ in its size or checksum")
    length = descriptor_length(file, end, entry)
    if not length and early != known and entry.packed:
        output.ambiguous(entry.name, "the descriptor behind its content differs from the directory")
    return LocatedEntry(entry, data, end + length)


def descriptor_length(file: BinaryIO, at: int, entry: ZipEntry, *, marked: bool = False) -> int:
    """The length of the entry's descriptor at `at`, which has a mark or not, and sizes of 32 or 64 bits (4.3.9); 0
    where there is none. `marked` takes only one that has a mark.
    """
    file.seek(at)
    text = file.read(24)
    for layout, mark in _DESCRIPTORS:
        length = struct.calcsize(layout)
        if len(text) < length or (marked and not mark):
            continue
        known = ((DESCRIPTOR_MARK,) if mark else ()) + (entry.crc, entry.packed, entry.size)
        if struct.unpack_from(layout, text) == known:
            return length
    return 0


def _names(raw: bytes, flags: int, extra: bytes, output: ArchiveOutput) -> tuple[str, ...]:
    """Each name that a program may take: UTF-8 or the system's own encoding, or that of the extra field (4.6.9)."""
    if raw.isascii() and _UNICODE_MARK not in extra:
        return (raw.decode("ascii"),)
    names = [raw.decode("cp437")]
    try:
        names.insert(0, raw.decode("utf-8"))
    except UnicodeDecodeError:
        if flags & _UTF8:
            names.insert(0, raw.decode("utf-8", "replace"))
    for field in _fields(extra, _UNICODE_PATH):
        name = field[5:].decode("utf-8", "replace")
        if _is_another(names[0], name):
            output.ambiguous(names[0], f"it is also called {quoted(name)}")
        names.append(name)
    return tuple(dict.fromkeys(names))


def _is_another(name: str, unicode_name: str) -> bool:
    """Whether the name of the extra field is not `name` in another encoding.

    What an encoding cannot express is replaced in the old name, usually by “?” or “_”. The rest has to be the same.
    """
    if name.isascii() and unicode_name.isascii():
        return name != unicode_name
    return len(path_parts(name)) != len(path_parts(unicode_name)) or (
        extension(unicode_name) != extension(name) and extension(unicode_name).isascii()
    )


def _check_hidden(data: bytes, output: ArchiveOutput) -> None:
    """Extra fields and comments have times, owners and texts: a longer one is searched."""
    if len(data) > _USUAL:
        report_hidden(data, "in an extra field or a comment", output)


def _fields(extra: bytes, wanted: int) -> list[bytes]:
    """The extra fields of one id (4.5.1). Bytes too short for a field are padding, as zipalign writes it."""
    found, at = [], 0
    while at + 4 <= len(extra):
        field, length = struct.unpack_from("<2H", extra, at)
        if field == wanted:
            found.append(extra[at + 4 : at + 4 + length])
        at += 4 + length
    return found


def _zip64_values(extra: bytes, values: tuple[int, ...]) -> tuple[int, ...]:
    """`values` (sizes, offset, disk), where each masked one is replaced by the next of the 64-bit field (4.5.3)."""
    if MASKED_32 not in values and _MASKED_16 not in values[3:]:
        return values
    fields, at, widened = _fields(extra, _ZIP64), 0, []
    if len(set(fields)) > 1:
        raise MalformedArchive("an entry has two 64-bit sizes")
    long = fields[0] if fields else b""
    for value, length in zip(values, (8, 8, 8, 4), strict=False):
        if value == (MASKED_32 if length == 8 else _MASKED_16):
            if at + length > len(long):
                raise MalformedArchive("a 64-bit size is missing")
            widened.append(int.from_bytes(long[at : at + length], "little"))
            at += length
        else:
            widened.append(value)
    return tuple(widened)
