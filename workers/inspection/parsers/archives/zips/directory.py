"""The central directory of a zip: where it is, and how it describes each entry.

Section numbers are those of https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
"""

import struct
from typing import Any, BinaryIO, NamedTuple

from workers.inspection.parsers.archives.errors import MalformedArchive
from workers.inspection.parsers.archives.output import ArchiveOutput
from workers.inspection.parsers.port import LimitExceeded

UTF8 = 1 << 11
MASKED_32 = 0xFFFFFFFF
_MASKED_16 = 0xFFFF
_ZIP64 = 0x0001
_UNICODE_PATH = 0x7075
_LONGEST_NAME = 4096  # PATH_MAX of Linux
_END = struct.Struct("<4s4H2LH")  # 4.3.16
_END_64 = struct.Struct("<4sQ2H2L4Q")  # 4.3.14
_LOCATOR = struct.Struct("<4sLQL")  # 4.3.15
_ENTRY = struct.Struct("<4s6H3L5H2L")  # 4.3.12


class ZipEntry(NamedTuple):
    """An entry as the directory describes it; sizes and the offset (of its local header) in bytes."""

    raw_name: bytes
    unicode_name: str | None
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int

    @property
    def name(self) -> str:
        """The name as most programs read it."""
        if self.flags & UTF8:
            return self.raw_name.decode("utf-8", "replace")
        return self.raw_name.decode("cp437")


class ZipDirectory(NamedTuple):
    """The offset of the directory, and its entries in order."""

    start: int
    entries: list[ZipEntry]


class _DirectoryLocation(NamedTuple):
    start: int
    length: int
    entries: int
    modulo: int  # the number of entries is stored modulo this
    behind: int  # the offset of the record that must follow it


def read(file: BinaryIO, size: int, output: ArchiveOutput) -> ZipDirectory:
    """The directory. Raises MalformedArchive, and LimitExceeded as soon as there are too many entries."""
    location = _locate_directory(file, size, output)
    if location.entries > output.entries_limit:
        raise LimitExceeded(f"The archive has more than {output.entries_limit} entries.")
    file.seek(location.start)
    left = location.length
    entries: list[ZipEntry] = []
    while left >= _ENTRY.size:
        entry, length = _entry(file, left)
        left -= length
        output.entry(entry.name, *([entry.unicode_name] if entry.unicode_name is not None else []))
        entries.append(entry)
    if left or len(entries) % location.modulo != location.entries:
        raise MalformedArchive("its directory does not have the declared size")
    return ZipDirectory(location.start, entries)


def read_exactly(file: BinaryIO, length: int) -> bytes:
    """The next `length` bytes; raises MalformedArchive where there are fewer."""
    data = file.read(length)
    if len(data) < length:
        raise MalformedArchive("it ends too early")
    return data


def _locate_directory(file: BinaryIO, size: int, output: ArchiveOutput) -> _DirectoryLocation:
    at = _find_end_record(file, size, output)
    file.seek(at)
    _, disk, first_disk, here, count, length, start, _ = _END.unpack(read_exactly(file, _END.size))
    location = _zip64(file, at, (here, count, length, start))
    if location is None:
        _one_part(disk, first_disk, here, count)
        location = _DirectoryLocation(start, length, count, 1 << 16, at)
    if location.start + location.length != location.behind:
        raise MalformedArchive("its directory is at the wrong offset")
    return location


def _find_end_record(file: BinaryIO, size: int, output: ArchiveOutput) -> int:
    """The offset of the end record, which is last in the file, before a comment of up to 64 KiB."""
    start = max(0, size - _END.size - _MASKED_16)
    file.seek(start)
    tail = file.read(size - start)
    found = [at for at in _occurrences(tail, b"PK\x05\x06") if at + _END.size <= len(tail)]
    if not found:
        raise MalformedArchive("its directory is missing")
    ends = {at: at + _END.size + int.from_bytes(tail[at + 20 : at + 22], "little") for at in found}
    exact = [at for at in found if ends[at] == len(tail)]
    if exact and exact != found[-1:]:
        raise MalformedArchive("it has two end records, and programs differ in which one they use")
    if ends[found[-1]] > len(tail):
        raise MalformedArchive("it ends too early")
    if not exact:
        output.finding("trailing_data", "There are further bytes after the end of the archive.")
    return start + found[-1]


def _occurrences(text: bytes, part: bytes) -> list[int]:
    offsets = []
    at = text.find(part)
    while at >= 0:
        offsets.append(at)
        at = text.find(part, at + 1)
    return offsets


def _zip64(file: BinaryIO, end: int, short: tuple[int, int, int, int]) -> _DirectoryLocation | None:
    """The location that the 64-bit end record gives; None where there is no such record."""
    masked = (_MASKED_16, _MASKED_16, MASKED_32, MASKED_32)
    if end < _LOCATOR.size:
        return None
    file.seek(end - _LOCATOR.size)
    mark, disk, at, disks = _LOCATOR.unpack(read_exactly(file, _LOCATOR.size))
    if mark != b"PK\x06\x07":
        if short[2] == MASKED_32 or short[3] == MASKED_32:
            raise MalformedArchive("its 64-bit end record is missing")
        return None
    record = _end_record_64(file, at, end - _LOCATOR.size)
    here, count, length, start = long = record[6:]
    if disk or disks > 1:
        raise MalformedArchive("it is one part of a split archive")
    _one_part(record[4], record[5], here, count)
    if any(declared not in {mask, value} for declared, mask, value in zip(short, masked, long, strict=True)):
        raise MalformedArchive("its two end records differ")
    return _DirectoryLocation(start, length, count, 1 << 64, at)


def _end_record_64(file: BinaryIO, at: int, end: int) -> tuple[Any, ...]:
    """The fields of the 64-bit end record, which must go from `at` to `end`."""
    if at + _END_64.size <= end:
        file.seek(at)
        record = _END_64.unpack(read_exactly(file, _END_64.size))
        if record[0] == b"PK\x06\x06" and at + 12 + record[1] == end:
            return record
    raise MalformedArchive("its 64-bit end record is at the wrong offset")


def _one_part(disk: int, first_disk: int, here: int, count: int) -> None:
    if disk or first_disk or here != count:
        raise MalformedArchive("it is one part of a split archive")


def _entry(file: BinaryIO, left: int) -> tuple[ZipEntry, int]:
    fields = _ENTRY.unpack(read_exactly(file, _ENTRY.size))
    mark, _, _, flags, method, _, _, crc, packed, size, name_length, extra_length, comment_length = fields[:13]
    disk, _, attributes, offset = fields[13:]
    length = _ENTRY.size + name_length + extra_length + comment_length
    if mark != b"PK\x01\x02" or length > left:
        raise MalformedArchive("its directory is not valid")
    if name_length > _LONGEST_NAME:
        raise LimitExceeded(f"The archive has a name of more than {_LONGEST_NAME} bytes.")
    name = read_exactly(file, name_length)
    extra = extra_fields(read_exactly(file, extra_length))
    read_exactly(file, comment_length)
    size, packed, offset, disk = zip64_values(extra, (size, packed, offset, disk))
    if disk:
        raise MalformedArchive("it is one part of a split archive")
    unicode_name = extra[_UNICODE_PATH][5:].decode("utf-8", "replace") if _UNICODE_PATH in extra else None
    return ZipEntry(name, unicode_name, flags, method, crc, packed, size, offset, attributes >> 16), length


def extra_fields(extra: bytes) -> dict[int, bytes]:
    """The extra fields by their ids (4.5.1). Bytes too short for a field are padding, as zipalign writes it."""
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(extra):
        field, length = struct.unpack_from("<2H", extra, at)
        found.setdefault(field, extra[at + 4 : at + 4 + length])
        at += 4 + length
    return found


def zip64_values(extra: dict[int, bytes], values: tuple[int, ...]) -> tuple[int, ...]:
    """`values` (sizes, offset, disk), where each masked one is replaced by the next of the 64-bit field (4.5.3)."""
    long, at, widened = extra.get(_ZIP64, b""), 0, []
    for value, length in zip(values, (8, 8, 8, 4), strict=False):
        if value == (MASKED_32 if length == 8 else _MASKED_16):
            if at + length > len(long):
                raise MalformedArchive("a 64-bit size is missing")
            widened.append(int.from_bytes(long[at : at + length], "little"))
            at += length
        else:
            widened.append(value)
    return tuple(widened)
