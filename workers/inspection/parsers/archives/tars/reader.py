"""Tar, entry by entry: POSIX ustar and pax, GNU, and the old format.

https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html (ustar, pax) and
https://www.gnu.org/software/tar/manual/html_node/Standard.html (GNU).
"""

from typing import BinaryIO

from workers.inspection.parsers.archives import tar_header
from workers.inspection.parsers.archives.errors import MalformedArchive
from workers.inspection.parsers.archives.formats import BLOCK
from workers.inspection.parsers.archives.output import ArchiveOutput, quoted
from workers.inspection.parsers.archives.tar_header import TarHeader
from workers.inspection.parsers.port import LimitExceeded

_CHUNK = 64 << 10
# The longest description of the next entry ("g": of all that follow), by its type flag. Real ones are far shorter.
_LONGEST = {"L": 64 << 10, "K": 64 << 10, "x": 1 << 20, "X": 1 << 20, "g": 1 << 20}
_LINKS = {"1": "a hard link", "2": "a symbolic link", "3": "a device", "4": "a device", "6": "a pipe"}
_FOLDER, _SPARSE, _VOLUME = "5", "S", "V"


def read(file: BinaryIO, size: int, output: ArchiveOutput) -> None:
    """Hand out the files in their order."""
    file.seek(0)
    of_all: dict[str, str] = {}
    of_next: dict[str, str] = {}
    while block := file.read(BLOCK):
        if not block.strip(b"\0"):
            _end(file, output)
            return
        header = tar_header.parse_header(block)
        if header.type_flag in _LONGEST:
            found = _description(file, header)
            (of_all if header.type_flag == "g" else of_next).update(found)
            continue
        _entry(file, size, header.with_records({**of_all, **of_next}), output)
        of_next = {}
    if of_next:
        raise MalformedArchive("it ends after the description of an entry, without the entry")


def _end(file: BinaryIO, output: ArchiveOutput) -> None:
    """The first block of zeros ends the tar: only zeros may follow, which fill up the last record."""
    while data := file.read(_CHUNK):
        if data.strip(b"\0"):
            output.finding("trailing_data", "There are further bytes after the end of the archive.")
            return


def _description(file: BinaryIO, header: TarHeader) -> dict[str, str]:
    if header.size > _LONGEST[header.type_flag]:
        raise LimitExceeded(f"The archive describes an entry with more than {_LONGEST[header.type_flag]} bytes.")
    data = file.read(_padded(header.size))
    if len(data) < _padded(header.size):
        raise MalformedArchive("it ends too early")
    data = data[: header.size]
    if header.type_flag == "L":
        return {"path": tar_header.text_field(data)}
    return {"linkpath": tar_header.text_field(data)} if header.type_flag == "K" else tar_header.pax_records(data)


def _entry(file: BinaryIO, size: int, header: TarHeader, output: ArchiveOutput) -> None:
    output.entry(header.name)
    start = file.tell()
    if start + header.size > size:
        raise MalformedArchive(f"it ends in the middle of its entry {quoted(header.name)}")
    if header.type_flag in _LINKS:
        output.link(header.name, _LINKS[header.type_flag])
    if header.type_flag in _LINKS or header.type_flag == _FOLDER:
        if header.size:
            raise MalformedArchive(
                f"its entry {quoted(header.name)} is not a file and has content, which only some programs skip"
            )
    elif header.type_flag == _SPARSE or header.sparse:
        message = f"The archive's entry {quoted(header.name)} is a sparse file, which cannot be unpacked here."
        output.finding("unsupported_compression", message)
        start += _map_length(file, header)
    elif header.type_flag != _VOLUME:
        _write_member(file, header, output)
    file.seek(start + _padded(header.size))


def _write_member(file: BinaryIO, header: TarHeader, output: ArchiveOutput) -> None:
    left = header.size
    with output.member(header.name) as write:
        while left:
            data = file.read(min(left, _CHUNK))
            if not data:
                raise MalformedArchive(f"it ends in the middle of its entry {quoted(header.name)}")
            left -= len(data)
            write(data, header.size)


def _map_length(file: BinaryIO, header: TarHeader) -> int:
    """The length of the further blocks of GNU's map of a sparse file, which come before the content."""
    more, length = header.extended, 0
    while more:
        block = file.read(BLOCK)
        if len(block) < BLOCK:
            raise MalformedArchive("it ends too early")
        more = block[504] != 0
        length += BLOCK
    return length


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
