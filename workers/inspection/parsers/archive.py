"""The parser `archive`: zip, tar, gzip, bzip2, xz, zstd and 7z. It hands out the members one by one.

The worker runs the same checks over each member. The content of a compressed tar is one member, which is an archive
itself. How deep archives may be nested is the worker's limit, not this parser's.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import BinaryIO

from workers.inspection.parsers.archives import formats
from workers.inspection.parsers.archives.errors import MalformedArchive, UnreadableArchive
from workers.inspection.parsers.archives.output import ArchiveOutput
from workers.inspection.parsers.port import Output

MODULES: Sequence[str] = (
    *("py7zr", "encodings.cp437", "encodings.utf_16_le"),
    *(f"workers.inspection.parsers.archives.{each}" for each in ("seven_zip.reader", "stream", "tar", "zip_file")),
)
DEFAULTS: Mapping[str, int] = MappingProxyType(
    {
        "archive_entries": 10_000,
        "archive_bytes": 1 << 30,  # all members together, unpacked
        "archive_member_bytes": 1 << 30,
        "archive_ratio": 100,  # unpacked bytes for each packed byte, once a member has 10 MiB
    }
)

Reader = Callable[[BinaryIO, int, ArchiveOutput], None]


def recognises(head: bytes) -> bool:
    """Whether an object that begins with `head` is an archive of a known format."""
    return formats.format_of(head) is not None


def examine(file: BinaryIO, size: int, limits: Mapping[str, int], output: Output) -> None:
    """Hand out every member. Codes: encrypted, limits_exceeded, link, malformed, overlapping_entries,
    path_traversal, trailing_data, unsupported_compression.
    """
    file.seek(0)
    archive_format = formats.format_of(file.read(formats.LENGTH))
    if archive_format is None:
        return
    archive_output = ArchiveOutput(limits, output)
    try:
        _reader(archive_format)(file, size, archive_output)
    except MalformedArchive as error:
        archive_output.malformed(error)
    except UnreadableArchive as error:
        archive_output.finding(error.code, error.message)


def _reader(archive_format: formats.ArchiveFormat) -> Reader:
    if archive_format == "zip":
        from workers.inspection.parsers.archives import zip_file

        return zip_file.read
    if archive_format == "7z":
        from workers.inspection.parsers.archives.seven_zip import reader

        return reader.read
    if archive_format == "tar":
        from workers.inspection.parsers.archives import tar

        return tar.read
    from workers.inspection.parsers.archives import stream

    return stream.reader(archive_format)
