"""The central directory of a zip: where it is, and how it describes each entry."""

import struct
from typing import Any, BinaryIO, NamedTuple

from workers.inspection.identification.zip_records import (
    CENTRAL,
    CENTRAL_HEADER,
    END,
    END_64,
    END_RECORD,
    LOCATOR_64,
    SIGNATURE,
)
from workers.inspection.parsers.archives.errors import MalformedArchive, UnreadableArchive
from workers.inspection.parsers.archives.hidden import report_hidden
from workers.inspection.parsers.archives.output import ArchiveOutput
from workers.inspection.parsers.archives.zips.entries import ZipEntry, parse_entry, read_exactly
from workers.inspection.parsers.port import LimitExceeded

_MASKED_16, _MASKED_32 = 0xFFFF, 0xFFFFFFFF
_END_64 = struct.Struct("<4sQ2H2L4Q")  # 4.3.14
_LOCATOR = struct.Struct("<4sLQL")  # 4.3.15
_SIGNATURE_HEAD = 6  # of a mark and a length (4.3.13)
# The end record, the longest comment, and blank bytes behind it.
_TAIL = END_RECORD.size + _MASKED_16 + 1024


class _Place(NamedTuple):
    """Offsets in the file: of the directory, of what must follow it, of the end record and of the end of the comment.

    `base` is what must be added to the offsets that the zip declares, because bytes stand before it.
    """

    start: int
    length: int
    entries: int
    modulo: int  # the number of entries is stored modulo this
    base: int
    behind: int
    record: int
    end: int


class ZipDirectory(NamedTuple):
    """The offsets of the directory and of the end of the zip; the entries in order; and the offsets of what other end
    records there are, which have to be in the content of an entry.
    """

    start: int
    base: int
    end: int
    entries: list[ZipEntry]
    other_records: list[int]


def read(file: BinaryIO, size: int, output: ArchiveOutput) -> ZipDirectory:
    """The directory. Raises MalformedArchive, UnreadableArchive, and LimitExceeded where there are too many entries."""
    place, others = _place(file, size)
    if place.entries > output.entries_limit:
        raise LimitExceeded(f"The archive has more than {output.entries_limit} entries (archive_entries).")
    _check_one_directory(file, place, output)
    file.seek(place.record + END_RECORD.size)
    report_hidden(file.read(place.end - place.record - END_RECORD.size), "in its comment", output)
    file.seek(place.start)
    left = place.length
    entries: list[ZipEntry] = []
    while left >= CENTRAL_HEADER.size:
        entry, length = parse_entry(file, left, place.base, output)
        left -= length
        output.entry(*entry.names)
        entries.append(entry)
    if left or len(entries) % place.modulo != place.entries:
        raise MalformedArchive("its directory does not have the declared size")
    return ZipDirectory(place.start, place.base, place.end, entries, others)


def _place(file: BinaryIO, size: int) -> tuple[_Place, list[int]]:
    """Where the directory is by the end record that programs take, and the offsets of the others that are plausible."""
    start = max(0, size - _TAIL)
    file.seek(start)
    tail = file.read(size - start)
    found: list[_Place] = []
    failure: Exception = MalformedArchive("its directory is missing")
    for at in _occurrences(tail, END):
        try:
            found.append(_by_record(file, size, start + at))
        except (MalformedArchive, UnreadableArchive) as error:
            failure = error
    if not found:
        raise failure
    chosen = next((each for each in reversed(found) if each.end == size), found[-1])
    return chosen, [each.record for each in found if each is not chosen]


def _occurrences(text: bytes, part: bytes) -> list[int]:
    offsets = []
    at = text.find(part)
    while at >= 0:
        offsets.append(at)
        at = text.find(part, at + 1)
    return offsets


def _by_record(file: BinaryIO, size: int, at: int) -> _Place:
    """Where the directory is by the end record at `at`; raises MalformedArchive where there is none."""
    file.seek(at)
    _, disk, first_disk, here, count, length, start, comment = END_RECORD.unpack(read_exactly(file, END_RECORD.size))
    end = at + END_RECORD.size + comment
    if end > size:
        raise MalformedArchive("it ends too early")
    modulo, behind = 1 << 16, at
    if (long := _zip64(file, at, (here, count, length, start))) is not None:
        behind, count, length, start, modulo = *long, 1 << 64
    else:
        _check_one_part(disk, first_disk, here, count)
    for real in (behind - length, start):
        # Where other bytes stand before the zip, its offsets may count them or not.
        if real >= start and real + length <= behind and (not length or _has(file, real, CENTRAL)):
            return _Place(real, length, count, modulo, real - start, behind, at, end)
    raise MalformedArchive("its directory is at the wrong offset")


def _has(file: BinaryIO, at: int, mark: bytes) -> bool:
    file.seek(at)
    return file.read(len(mark)) == mark


def _check_one_directory(file: BinaryIO, place: _Place, output: ArchiveOutput) -> None:
    """Report what else programs may take for the directory, or what stands between it and the end record."""
    if place.base and place.length and _has(file, place.start - place.base, CENTRAL):
        output.finding("hidden_entry", "The archive has two directories, and programs differ in which one they use.")
    gap = place.start + place.length
    file.seek(gap)
    signature = file.read(min(place.behind - gap, _SIGNATURE_HEAD + _MASKED_16))
    if gap + len(signature) == place.behind and _is_signature(signature):
        report_hidden(signature, "in its signature", output)
    elif gap < place.behind:
        output.finding("hidden_entry", "The archive has bytes behind its directory that it does not list.")


def _is_signature(data: bytes) -> bool:
    """Whether these are a digital signature of the directory, a mark and a length before it (4.3.13); also nothing."""
    return not data or (
        data.startswith(SIGNATURE) and len(data) == _SIGNATURE_HEAD + int.from_bytes(data[4:6], "little")
    )


def _zip64(file: BinaryIO, end: int, short: tuple[int, int, int, int]) -> tuple[int, int, int, int] | None:
    """What the 64-bit end record says: its own offset, the number of entries, the length and the offset of the
    directory. None where there is no such record.
    """
    masked = (_MASKED_16, _MASKED_16, _MASKED_32, _MASKED_32)
    if end < _LOCATOR.size:
        return None
    file.seek(end - _LOCATOR.size)
    mark, disk, at, disks = _LOCATOR.unpack(read_exactly(file, _LOCATOR.size))
    if mark != LOCATOR_64:
        if short[2] == _MASKED_32 or short[3] == _MASKED_32:
            raise MalformedArchive("its 64-bit end record is missing")
        return None
    if disk or disks > 1:
        raise UnreadableArchive("unsupported", "The archive is one part of a split archive.")
    here, record = _end_record_64(file, at, end - _LOCATOR.size)
    _check_one_part(record[4], record[5], record[6], record[7])
    if any(declared not in {mask, value} for declared, mask, value in zip(short, masked, record[6:], strict=True)):
        raise MalformedArchive("its two end records differ")
    return here, *record[7:]


def _end_record_64(file: BinaryIO, at: int, end: int) -> tuple[int, tuple[Any, ...]]:
    """The offset and the fields of the 64-bit end record, which goes up to `end`: at `at`, or right before `end`."""
    for here in (at, end - _END_64.size):
        if 0 <= here <= end - _END_64.size:
            file.seek(here)
            record = _END_64.unpack(read_exactly(file, _END_64.size))
            if record[0] == END_64 and here + 12 + record[1] == end:
                return here, record
    raise MalformedArchive("its 64-bit end record is at the wrong offset")


def _check_one_part(disk: int, first_disk: int, here: int, count: int) -> None:
    if disk or first_disk or here != count:
        raise UnreadableArchive("unsupported", "The archive is one part of a split archive.")
