"""How the parts of a zip lie in the file: overlapping entries, and bytes that the directory does not list."""

import struct
from collections.abc import Sequence
from typing import BinaryIO

from workers.inspection.identification.zip_records import DESCRIPTOR_MARK, LOCAL
from workers.inspection.parsers.archives.hidden import LONGEST, report_hidden
from workers.inspection.parsers.archives.output import ArchiveOutput
from workers.inspection.parsers.archives.zips.directory import ZipDirectory
from workers.inspection.parsers.archives.zips.entries import LocatedEntry, descriptor_length

_CHUNK = 1 << 20
# The mark of a split archive that fits into one file (8.5.4, 8.5.5).
_ONE_PART = (DESCRIPTOR_MARK, b"PK00")
_SIGNING_MARK = b"APK Sig Block 42"


def is_disjoint(
    file: BinaryIO, start: int, located: Sequence[LocatedEntry], directory: ZipDirectory, output: ArchiveOutput
) -> bool:
    """Whether the entries do not overlap. Reports what the directory does not list, from `start` on."""
    ordered = sorted(located, key=lambda one: one.entry.offset)
    first = ordered[0].entry.offset if ordered else directory.start
    _check_prefix(file, start, first, output)
    at, previous = first, None
    for one in ordered:
        if one.entry.offset < at:
            output.finding("overlapping_entries", "Entries of the archive share the same bytes.")
            return False
        _check_gap(file, at, one.entry.offset, previous, output)
        at, previous = one.end, one
    if at > directory.start:
        output.finding("overlapping_entries", "Entries of the archive share the bytes of its directory.")
        return False
    _check_gap(file, at, directory.start, previous, output)
    _check_records(ordered, directory, output)
    return True


def _check_prefix(file: BinaryIO, start: int, first: int, output: ArchiveOutput) -> None:
    """What stands before the first entry. Before `start`, only an entry would be new to identification."""
    file.seek(0)
    end, at = b"", 0
    while at < start and (data := file.read(min(_CHUNK, start - at))):
        if LOCAL in end + data:
            output.finding("hidden_entry", "The archive has an entry that its directory does not list.")
        end, at = data[-3:], at + len(data)
    file.seek(start)
    if first > start and not (first - start == 4 and file.read(4) in _ONE_PART):
        _check_gap(file, start, first, None, output)


def _check_gap(file: BinaryIO, at: int, end: int, previous: LocatedEntry | None, output: ArchiveOutput) -> None:
    if at == end:
        return
    if previous is not None:
        at += descriptor_length(file, at, previous.entry, marked=True)
    if end - at > LONGEST:
        output.finding("hidden_entry", "The archive has bytes between its entries that it does not list.")
        return
    file.seek(at)
    gap = _without_virtual_entries(file.read(end - at))
    if _is_signing_block(gap):
        report_hidden(gap, "in its signature", output)
    elif gap.startswith(LOCAL):
        output.finding("hidden_entry", "The archive has an entry that its directory does not list.")
    elif gap.strip(b"\0"):
        output.finding("hidden_entry", "The archive has bytes between its entries that it does not list.")


def _without_virtual_entries(gap: bytes) -> bytes:
    """Android's zipflinger fills a gap with local headers that have no name, no content and zeros as extra fields."""
    while gap.startswith(LOCAL) and len(gap) >= 30:
        packed, size, name, extra = struct.unpack_from("<2L2H", gap, 18)
        if packed or size or name or gap[30 : 30 + extra].strip(b"\0"):
            break
        gap = gap[30 + extra :]
    return gap


def _is_signing_block(gap: bytes) -> bool:
    """Whether it is the block between the entries of an Android app and their directory, behind zeros that align it.

    https://source.android.com/docs/security/features/apksigning/v2#apk-signing-block
    """
    if not gap.endswith(_SIGNING_MARK):
        return False
    length = gap[-24:-16]
    start = len(gap) - 8 - int.from_bytes(length, "little")
    return start >= 0 and gap[start : start + 8] == length and not gap[:start].strip(b"\0")


def _check_records(ordered: Sequence[LocatedEntry], directory: ZipDirectory, output: ArchiveOutput) -> None:
    """Another end record is that of an archive in the archive, or one that some programs take for this one's."""
    for at in directory.other_records:
        if not any(one.data <= at < one.end for one in ordered):
            output.finding("hidden_entry", "The archive has two end records, and programs differ in which they use.")
            return
