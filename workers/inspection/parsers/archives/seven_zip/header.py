"""The header of a 7z archive, which holds its directory. py7zr reads it in parts, so that entries are counted first.

https://py7zr.readthedocs.io/en/latest/archive_format.html
"""

import io
import zlib
from typing import Any, BinaryIO, NamedTuple

from workers.inspection.parsers.archives.errors import MalformedArchive, UnreadableArchive
from workers.inspection.parsers.archives.output import ArchiveOutput
from workers.inspection.parsers.archives.rest import report_rest
from workers.inspection.parsers.archives.seven_zip.coders import (
    Coder,
    FolderDecompressor,
    check_not_encrypted,
    folder_decompressor,
    is_supported,
    py7zr_errors,
    unpacked,
)
from workers.inspection.parsers.port import LimitExceeded

_START = 32
_END, _HEADER, _STREAMS, _FILES, _ENCODED = b"\x00", b"\x01", b"\x04", b"\x05", b"\x17"
_DIRECTORY = 0x10  # FILE_ATTRIBUTE_DIRECTORY


class SevenZipEntry(NamedTuple):
    """A file, folder or link as the directory describes it; `attributes` are those of Windows, and above them a Unix
    mode, which some programs take only where a flag says that it is there.
    """

    name: str
    size: int
    crc: int | None
    attributes: int


class SevenZipFolder(NamedTuple):
    """Files that were compressed as one block: its offset, its packed size, and py7zr's description of its coders."""

    start: int
    packed: int
    coders: list[dict[str, Any]]
    sizes: list[int]
    crc: int | None
    entries: list[SevenZipEntry]

    @property
    def end(self) -> int:
        return self.start + self.packed

    def is_supported(self) -> bool:
        """Whether py7zr can unpack it. Raises UnreadableArchive where it is encrypted, and LimitExceeded."""
        coders = [_coder(coder) for coder in self.coders]
        check_not_encrypted(coders)
        return is_supported(coders)

    def decompressor(self) -> FolderDecompressor:
        """A new decompressor of the block; only for a folder that is supported."""
        return folder_decompressor(self.coders, self.packed, self.sizes, self.crc)


class SevenZipHeader(NamedTuple):
    """All entries; those among them that are empty files; the folders, which hold the other files; and where the parts
    of the directory lie, from one offset to another.
    """

    entries: list[SevenZipEntry]
    empty_files: list[SevenZipEntry]
    folders: list[SevenZipFolder]
    own: list[tuple[int, int]]


def read(file: BinaryIO, size: int, output: ArchiveOutput) -> SevenZipHeader:
    """The header. Raises MalformedArchive, UnreadableArchive and LimitExceeded."""
    import py7zr.archiveinfo as info

    with py7zr_errors():
        start = info.SignatureHeader.retrieve(file)
    end = _START + start.nextheaderofs + start.nextheadersize
    if end > size:
        raise MalformedArchive("it ends too early")
    report_rest(file, end, output)
    _check_size(start.nextheadersize, output)
    file.seek(_START + start.nextheaderofs)
    text = file.read(start.nextheadersize)
    if zlib.crc32(text) != start.nextheadercrc:
        raise MalformedArchive("the checksum of its directory differs")
    own = [(0, _START), (_START + start.nextheaderofs, end)]
    if text[:1] == _ENCODED:
        text, place = _decompressed(file, size, text, output)
        own.append(place)
    if not text and start.nextheaderofs:
        raise MalformedArchive("its directory is missing")
    header = _parsed(text, size, output) if text else SevenZipHeader([], [], [], [])
    return header._replace(own=own)


def _check_size(length: int, output: ArchiveOutput) -> None:
    # A false header costs py7zr about a hundred bytes of memory for each of its bytes. 512 bytes describe an entry.
    limit = (64 << 10) + 512 * output.entries_limit
    if length > limit:
        raise LimitExceeded(f"The directory of the archive has more than {limit} bytes.")


def _decompressed(file: BinaryIO, size: int, text: bytes, output: ArchiveOutput) -> tuple[bytes, tuple[int, int]]:
    """The header, which `text` describes as a compressed folder, and where that folder lies."""
    import py7zr.archiveinfo as info

    with py7zr_errors():
        streams = info.HeaderStreamsInfo.retrieve(io.BytesIO(text[1:]))
        (folder,) = _folders(streams, size, [[]])
        length: int = streams.unpackinfo.folders[0].get_unpack_size()
    if not folder.is_supported():
        raise UnreadableArchive("unsupported_compression", "The archive is compressed by an unknown method.")
    _check_size(length, output)
    file.seek(folder.start)
    header = b"".join(unpacked(file, folder.decompressor(), length))
    if folder.crc is not None and zlib.crc32(header) != folder.crc:
        raise MalformedArchive("the checksum of its directory differs")
    return header, (folder.start, folder.end)


def _parsed(text: bytes, size: int, output: ArchiveOutput) -> SevenZipHeader:
    import py7zr.archiveinfo as info

    buffer = io.BytesIO(text)
    with py7zr_errors():
        if buffer.read(1) != _HEADER:
            raise MalformedArchive("its directory is not valid")
        mark = buffer.read(1)
        streams = info.StreamsInfo.retrieve(buffer) if mark == _STREAMS else None
        mark = buffer.read(1) if streams else mark
    if mark == _FILES:
        files = _files(buffer, output)
        with py7zr_errors():
            return _joined(streams, files, size)
    if streams or mark != _END:
        raise MalformedArchive("its directory names no files, and is not empty")
    return SevenZipHeader([], [], [], [])


def _files(buffer: io.BytesIO, output: ArchiveOutput) -> Any:
    """py7zr's description of the files, which are counted before they are read."""
    import py7zr.archiveinfo as info

    start = buffer.tell()
    with py7zr_errors():
        count = info.read_uint64(buffer)
    if count > output.entries_limit:
        raise LimitExceeded(f"The archive has more than {output.entries_limit} entries (archive_entries).")
    buffer.seek(start)
    with py7zr_errors():
        files = info.FilesInfo.retrieve(buffer)
    if buffer.read() != _END:
        raise MalformedArchive("its directory is not valid")
    return files


def _joined(streams: Any, files: Any, size: int) -> SevenZipHeader:
    """The header, from py7zr's descriptions of the streams and of the files."""
    described = [(one, one["emptystream"]) for one in files.files]
    groups = _groups(streams, [one for one, is_empty in described if not is_empty])
    full = iter([entry for group in groups for entry in group])
    are_files = iter(files.emptyfiles)
    entries: list[SevenZipEntry] = []
    empty_files: list[SevenZipEntry] = []
    for one, is_empty in described:
        entry = _entry(one, 0, None) if is_empty else next(full)
        entries.append(entry)
        if is_empty and (next(are_files, False) or not entry.attributes & _DIRECTORY):
            empty_files.append(entry)
    return SevenZipHeader(entries, empty_files, _folders(streams, size, groups), [])


def _groups(streams: Any, full: list[dict[str, Any]]) -> list[list[SevenZipEntry]]:
    """The files with content, by folder. The folders hold them in the order of the directory."""
    if streams is None or streams.unpackinfo is None:
        if full:
            raise MalformedArchive("it has files without content")
        return []
    folders, parts = streams.unpackinfo.folders, streams.substreamsinfo
    counts = parts.num_unpackstreams_folders if parts else [1] * len(folders)
    if sum(counts) != len(full) or 0 in counts:
        raise MalformedArchive("the number of its files is not that of its contents")
    sizes = parts.unpacksizes if parts and parts.unpacksizes is not None else None
    if sizes is None:
        if any(count > 1 for count in counts):
            raise MalformedArchive("the sizes of its files are missing")
        sizes = [folder.get_unpack_size() for folder in folders]
    crcs = _crcs(folders, parts)
    entries = iter([_entry(*one) for one in zip(full, sizes, crcs, strict=True)])
    return [[next(entries) for _ in range(count)] for count in counts]


def _crcs(folders: list[Any], parts: Any) -> list[int | None]:
    if parts is None:
        return [folder.crc if folder.digestdefined else None for folder in folders]
    return [crc if defined else None for crc, defined in zip(parts.digests, parts.digestsdefined, strict=True)]


def _entry(file: dict[str, Any], size: int, crc: int | None) -> SevenZipEntry:
    if size < 0:
        raise MalformedArchive("a file's size is not valid")
    return SevenZipEntry(file.get("filename") or "content", size, crc, file.get("attributes") or 0)


def _folders(streams: Any, size: int, groups: list[list[SevenZipEntry]]) -> list[SevenZipFolder]:
    if streams is None or streams.unpackinfo is None:
        return []
    packing = streams.packinfo
    at, stream, made = _START + packing.packpos, 0, []
    for number, folder in enumerate(streams.unpackinfo.folders):
        count = len(folder.packed_indices)
        packed = sum(packing.packsizes[stream : stream + count])
        if at + packed > size or stream + count > len(packing.packsizes):
            raise MalformedArchive("it ends too early")
        crc = folder.crc if folder.digestdefined else None
        made.append(SevenZipFolder(at, packed, folder.coders, folder.unpacksizes, crc, groups[number]))
        at, stream = at + packed, stream + count
    return made


def _coder(coder: dict[str, Any]) -> Coder:
    simple = coder["numinstreams"] == coder["numoutstreams"] == 1
    return Coder(coder["method"], coder["properties"] or b"", simple)
