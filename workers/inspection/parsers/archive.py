"""Archives: zip, tar, gzip, bzip2, xz, zstd and 7z. Their members are handed out one by one, for the same checks.

A compressed tar is one member here, which is an archive in its turn: how deep that goes is the caller's limit.
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
        "archive_bytes": 1 << 30,  # all members together, as they come out
        "archive_member_bytes": 1 << 30,
        "archive_ratio": 100,  # bytes out for each byte in, once a member has 10 MiB
    }
)

Reader = Callable[[BinaryIO, int, ArchiveOutput], None]


def recognises(head: bytes) -> bool:
    """Whether it begins like one of the archives."""
    return formats.format_of(head) is not None


def examine(file: BinaryIO, size: int, limits: Mapping[str, int], output: Output) -> None:
    """Hand out every member; codes: encrypted, limits_exceeded, link, malformed, overlapping_entries, path_traversal,
    trailing_data, unsupported_compression.
    """
    file.seek(0)
    kind = formats.format_of(file.read(formats.LENGTH))
    if kind is None:
        return
    archive_output = ArchiveOutput(limits, output)
    try:
        _reader(kind)(file, size, archive_output)
    except MalformedArchive as error:
        archive_output.malformed(error)
    except UnreadableArchive as error:
        archive_output.finding(error.code, "unscannable", error.message)


def _reader(kind: formats.ArchiveFormat) -> Reader:
    if kind == "zip":
        from workers.inspection.parsers.archives import zip_file

        return zip_file.read
    if kind == "7z":
        from workers.inspection.parsers.archives.seven_zip import reader

        return reader.read
    if kind == "tar":
        from workers.inspection.parsers.archives import tar

        return tar.read
    from workers.inspection.parsers.archives import stream

    return stream.reader(kind)
