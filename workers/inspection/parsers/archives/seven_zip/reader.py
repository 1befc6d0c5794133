"""Hands out the files of a 7z archive, folder by folder."""

import stat
import zlib
from typing import BinaryIO

from workers.inspection.parsers.archives.errors import MalformedArchive, UnreadableArchive
from workers.inspection.parsers.archives.output import ArchiveOutput
from workers.inspection.parsers.archives.seven_zip import header as seven_zip_header
from workers.inspection.parsers.archives.seven_zip.coders import unpacked
from workers.inspection.parsers.archives.seven_zip.header import SevenZipEntry, SevenZipFolder

_UNIX = 0x8000  # set where the upper half of the attributes is a Unix mode
_REPARSE_POINT = 0x400


def read(file: BinaryIO, size: int, output: ArchiveOutput) -> None:
    """Hand out the files. Raises MalformedArchive, UnreadableArchive and LimitExceeded."""
    header = seven_zip_header.read(file, size, output)
    for entry in header.entries:
        output.entry(entry.name)
        if _is_link(entry):
            output.link(entry.name, "a link or a device")
    for entry in header.empty_files:
        with output.member(entry.name):
            pass
    for folder in header.folders:
        try:
            folder.check_supported()
            _unpack(file, folder, output)
        except UnreadableArchive as error:
            output.finding(error.code, error.message)
        except MalformedArchive as error:
            output.malformed(error)


def _is_link(entry: SevenZipEntry) -> bool:
    mode = stat.S_IFMT(entry.attributes >> 16) if entry.attributes & _UNIX else 0
    return bool(entry.attributes & _REPARSE_POINT) or mode not in {0, stat.S_IFREG, stat.S_IFDIR}


def _unpack(file: BinaryIO, folder: SevenZipFolder, output: ArchiveOutput) -> None:
    file.seek(folder.start)
    source = folder.decompressor()
    for entry in folder.entries:
        crc = 0
        with output.member(entry.name) as write:
            for piece in unpacked(file, source, entry.size):
                crc = zlib.crc32(piece, crc)
                write(piece, source.consumed)
            if entry.crc is not None and crc != entry.crc:
                raise MalformedArchive("the checksum of a file differs")
