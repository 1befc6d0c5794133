"""Hands out what a compressed stream holds, as one member."""

import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from workers.inspection.identification.signatures import BZIP2_STREAM, ZSTD_SKIPPED
from workers.inspection.parsers.archives import decompressors
from workers.inspection.parsers.archives.decompressors import Decompressor
from workers.inspection.parsers.archives.errors import MalformedArchive
from workers.inspection.parsers.archives.hidden import LONGEST, report_hidden
from workers.inspection.parsers.archives.output import ArchiveOutput
from workers.inspection.parsers.archives.paths import path_parts
from workers.inspection.parsers.archives.rest import report_rest
from workers.inspection.parsers.archives.streams import gzip_header, lzip
from workers.inspection.parsers.archives.streams.source import Source

GZIP, BZIP2, XZ, ZSTD = "application/gzip", "application/x-bzip2", "application/x-xz", "application/zstd"
LZMA, LZIP = "application/x-lzma", "application/x-lzip"
_DECOMPRESSORS: dict[str, Callable[[], Decompressor]] = {
    GZIP: decompressors.gzip,
    BZIP2: decompressors.bzip2,
    XZ: decompressors.xz,
    ZSTD: decompressors.zstandard,
    LZMA: decompressors.lzma_alone,
}
TYPES = frozenset({*_DECOMPRESSORS, LZIP})
# What another stream begins with. The old LZMA format has no mark, and its programs read one stream.
_NEXT = {
    GZIP: re.compile(rb"\x1f\x8b\x08"),
    BZIP2: BZIP2_STREAM,
    XZ: re.compile(rb"\xfd7zXZ\0"),
    ZSTD: re.compile(rb"\x28\xb5\x2f\xfd|" + ZSTD_SKIPPED.pattern),
    LZIP: re.compile(re.escape(lzip.MAGIC)),
}
# gzip ignores the zeros that fill up a tape; xz has stream padding (section 2.2 of its specification).
_PADDED = frozenset({GZIP, XZ})


def read(file: BinaryIO, media_type: str, output: ArchiveOutput) -> None:
    """Hand out the content of the stream that begins at the file's position. Raises MalformedArchive, LimitExceeded."""
    source = Source(file)
    name = _check_gzip_header(source, output) if media_type == GZIP else ""
    output.entry(name)
    with output.member(_base(name)) as write:
        for piece in _contents(media_type, source, output):
            write(piece)
    report_rest(file, source.at, output)


def _base(name: str) -> str:
    parts = path_parts(name)
    return parts[-1] if parts else ""


def _contents(media_type: str, source: Source, output: ArchiveOutput) -> Iterator[bytes]:
    """The contents of all streams, which programs join."""
    yield from _stream(media_type, source, output)
    while True:
        if media_type in _PADDED:
            source.skip_zeros()
        if media_type not in _NEXT or not _NEXT[media_type].match(source.head()):
            return
        if media_type == GZIP:
            output.entry(_check_gzip_header(source, output))
        yield from _stream(media_type, source, output)


def _stream(media_type: str, source: Source, output: ArchiveOutput) -> Iterator[bytes]:
    if media_type == LZIP:
        yield from lzip.pieces(source)
        return
    if media_type == ZSTD and ZSTD_SKIPPED.match(source.head()):
        _skip_frame(source, output)
        return
    decompressor = _DECOMPRESSORS[media_type]()
    yield from decompressors.decompressed(decompressor, source.read)
    if not decompressor.eof:
        raise MalformedArchive("it ends in the middle of its compressed data")
    source.put_back(decompressor.unused_data)


def _check_gzip_header(source: Source, output: ArchiveOutput) -> str:
    """The name that the header gives, "" where it gives none."""
    header = gzip_header.parse_header(source.head(gzip_header.LONGEST))
    report_hidden(header.skipped, "in its header", output)
    return header.name


def _skip_frame(source: Source, output: ArchiveOutput) -> None:
    length = int.from_bytes(source.take(8)[4:], "little")
    if length > LONGEST:
        output.finding("hidden_entry", f"The archive has a frame of {length:,} bytes that programs skip.")
    kept = b""
    while length and (data := source.take(min(length, LONGEST))):
        kept = kept or data
        length -= len(data)
    if length:
        raise MalformedArchive("it ends too early")
    report_hidden(kept, "in a frame that programs skip", output)
