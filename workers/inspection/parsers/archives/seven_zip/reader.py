"""7z: py7zr reads the headers and decompresses; how much it is asked for at a time is decided here.

Its own extraction is not used: it takes the whole header before anything can be counted, renames entries, and
decompresses pieces of up to 128 MB.
"""

import stat
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from workers.inspection.parsers.archives.decompressors import PIECE
from workers.inspection.parsers.archives.errors import MalformedArchive, UnreadableArchive
from workers.inspection.parsers.archives.output import ArchiveOutput
from workers.inspection.parsers.archives.seven_zip import header as seven_zip_header
from workers.inspection.parsers.archives.seven_zip.coders import FolderDecompressor, folder_decompressor, py7zr_errors
from workers.inspection.parsers.archives.seven_zip.header import SevenZipEntry, SevenZipFolder

_UNIX = 0x8000  # the upper half of the attributes is a Unix mode
_REPARSE_POINT = 0x400


def read(file: BinaryIO, size: int, output: ArchiveOutput) -> None:
    """Hand out the files, folder by folder (a folder is what is compressed as one)."""
    header = seven_zip_header.read(file, size, output)
    for item in header.items:
        output.entry(item.name)
        if _is_link(item):
            output.link(item.name, "a link or a device")
    for item in header.empty:
        with output.member(item.name):
            pass
    for folder in header.folders:
        try:
            folder.check_supported()
            _unpack(file, folder, output)
        except UnreadableArchive as error:
            output.finding(error.code, "unscannable", error.message)
        except MalformedArchive as error:
            output.malformed(error)


def _is_link(item: SevenZipEntry) -> bool:
    kind = stat.S_IFMT(item.attributes >> 16) if item.attributes & _UNIX else 0
    return bool(item.attributes & _REPARSE_POINT) or kind not in {0, stat.S_IFREG, stat.S_IFDIR}


def _unpack(file: BinaryIO, folder: SevenZipFolder, output: ArchiveOutput) -> None:
    file.seek(folder.start)
    source = folder_decompressor(folder.coders, folder.packed, folder.sizes, folder.crc)
    for item in folder.items:
        crc = 0
        with output.member(item.name) as take:
            for piece in _pieces(file, source, item.size):
                crc = zlib.crc32(piece, crc)
                take(piece, source.consumed)
            if item.crc is not None and crc != item.crc:
                raise MalformedArchive("the checksum of a file differs")


def _pieces(file: BinaryIO, source: FolderDecompressor, left: int) -> Iterator[bytes]:
    while left:
        before = source.consumed
        with py7zr_errors():
            piece = bytes(source.decompress(file, min(left, PIECE)))
        if not piece and source.consumed == before:
            raise MalformedArchive("it ends in the middle of a file")
        left -= len(piece)
        if piece:
            yield piece
