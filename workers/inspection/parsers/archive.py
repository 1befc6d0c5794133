"""The examiner `archive`: zip, tar, gzip, bzip2, xz, zstd, LZMA, lzip and 7z by readers of its own; RAR, CAB, ISO 9660,
LHA, cpio, ar, xar and compress by the system's libarchive. It hands out the members one by one.

The content of a compressed tar is one member, which is an archive itself. How deep archives may be nested, and what
they unpack to together, are the worker's limits.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import BinaryIO

from workers.inspection.parsers.archives.errors import MalformedArchive, UnreadableArchive
from workers.inspection.parsers.archives.output import ArchiveOutput
from workers.inspection.parsers.port import Output
from workers.inspection.parsers.ranges import section
from workers.inspection.readings import Reading

MODULES: Sequence[str] = (
    *("py7zr", "inflate64", "encodings.cp437", "encodings.utf_16_le", "encodings.latin_1"),
    *(
        f"workers.inspection.parsers.archives.{each}"
        for each in ("macos", "seven_zip.reader", "streams.reader", "tars.reader", "zips.reader", "system.library")
    ),
)
DEFAULTS: Mapping[str, int] = MappingProxyType(
    {
        "archive_entries": 10_000,
        "archive_bytes": 1 << 30,  # all members together, unpacked
        "archive_member_bytes": 1 << 30,
    }
)

_ZIPS = frozenset({"application/zip", "application/java-archive", "application/vnd.android.package-archive"})


def examine(file: BinaryIO, size: int, reading: Reading, limits: Mapping[str, int], output: Output) -> None:
    """Hand out every member. Codes: ambiguous_name, encrypted, hidden_entry, inner_link, irregular, limits_exceeded,
    link, malformed, overlapping_entries, path_traversal, trailing_data, unsupported, unsupported_compression.
    """
    archive_output = ArchiveOutput(limits, output)
    try:
        _read(file, size, reading, archive_output)
    except MalformedArchive as error:
        archive_output.malformed(error)
    except UnreadableArchive as error:
        archive_output.finding(error.code, error.message)
    archive_output.finish()


def _read(file: BinaryIO, size: int, reading: Reading, output: ArchiveOutput) -> None:
    from workers.inspection.parsers.archives import macos
    from workers.inspection.parsers.archives.seven_zip import reader as seven_zip
    from workers.inspection.parsers.archives.streams import reader as streams
    from workers.inspection.parsers.archives.system import library as system_library
    from workers.inspection.parsers.archives.tars import reader as tars
    from workers.inspection.parsers.archives.zips import reader as zips

    media_type = reading.media_type
    if media_type in _ZIPS:  # its offsets may count what stands before it
        zips.read(file, size, reading.start, output)
        return
    archive, length = section(file, reading.start, size), size - reading.start
    if media_type == "application/x-tar":
        tars.read(archive, length, output)
    elif media_type == "application/x-7z-compressed":
        seven_zip.read(archive, length, output)
    elif media_type in streams.TYPES:
        streams.read(archive, media_type, output)
    elif media_type in macos.TYPES:
        macos.read(archive, length, media_type, output.finding)
    elif media_type in system_library.TYPES:
        system_library.read(archive, length, media_type, output)
    else:
        raise UnreadableArchive("unsupported", "Archives of this format are not unpacked here.")
