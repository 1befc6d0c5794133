"""Tar: POSIX ustar and pax, GNU and the old one, entry by entry.

https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html (ustar, pax) and
https://www.gnu.org/software/tar/manual/html_node/Standard.html (GNU).
"""

from typing import BinaryIO

from workers.inspection.parsers.archives import tar_header
from workers.inspection.parsers.archives.broken import Broken
from workers.inspection.parsers.archives.signatures import BLOCK
from workers.inspection.parsers.archives.tally import Tally, shown
from workers.inspection.parsers.archives.tar_header import Header
from workers.inspection.parsers.port import Exceeded

_CHUNK = 64 << 10
# What describes the next entry (or, "g", all that follow): longer ones than these, nobody writes.
_LONGEST = {"L": 64 << 10, "K": 64 << 10, "x": 1 << 20, "X": 1 << 20, "g": 1 << 20}
_LINKS = {"1": "a hard link", "2": "a symbolic link", "3": "a device", "4": "a device", "6": "a pipe"}
_FOLDER, _SPARSE, _VOLUME = "5", "S", "V"


def read(file: BinaryIO, size: int, tally: Tally) -> None:
    """Hand out the files, in their order."""
    file.seek(0)
    everywhere: dict[str, str] = {}
    here: dict[str, str] = {}
    while block := file.read(BLOCK):
        if not block.strip(b"\0"):
            _end(file, tally)
            return
        header = tar_header.parse(block)
        if header.kind in _LONGEST:
            found = _description(file, header)
            (everywhere if header.kind == "g" else here).update(found)
            continue
        _entry(file, size, header.described({**everywhere, **here}), tally)
        here = {}
    if here:
        raise Broken("it ends behind the description of an entry")


def _end(file: BinaryIO, tally: Tally) -> None:
    """Behind the first block of zeros there are only zeros, as far as the last record is filled up."""
    while data := file.read(_CHUNK):
        if data.strip(b"\0"):
            tally.found("trailing_data", "rejected", "Behind the end of the archive there are further bytes.")
            return


def _description(file: BinaryIO, header: Header) -> dict[str, str]:
    if header.size > _LONGEST[header.kind]:
        raise Exceeded(f"The archive describes an entry with more than {_LONGEST[header.kind]} bytes.")
    data = file.read(_padded(header.size))
    if len(data) < _padded(header.size):
        raise Broken("it ends too early")
    data = data[: header.size]
    if header.kind == "L":
        return {"path": tar_header.text(data)}
    return {"linkpath": tar_header.text(data)} if header.kind == "K" else tar_header.records(data)


def _entry(file: BinaryIO, size: int, header: Header, tally: Tally) -> None:
    tally.entry(header.name)
    start = file.tell()
    if start + header.size > size:
        raise Broken(f"it ends in the middle of its entry {shown(header.name)}")
    if header.kind in _LINKS:
        tally.link(header.name, _LINKS[header.kind])
    if header.kind in _LINKS or header.kind == _FOLDER:
        if header.size:
            raise Broken(f"its entry {shown(header.name)} is no file and has content, which readers skip or do not")
    elif header.kind == _SPARSE or header.sparse:
        message = f"The archive's entry {shown(header.name)} is a sparse file, which is not unpacked here."
        tally.found("unsupported_compression", "unscannable", message)
        start += _map_length(file, header)
    elif header.kind != _VOLUME:
        _hand_out(file, header, tally)
    file.seek(start + _padded(header.size))


def _hand_out(file: BinaryIO, header: Header, tally: Tally) -> None:
    left = header.size
    with tally.member(header.name) as take:
        while left:
            data = file.read(min(left, _CHUNK))
            if not data:
                raise Broken(f"it ends in the middle of its entry {shown(header.name)}")
            left -= len(data)
            take(data, header.size)


def _map_length(file: BinaryIO, header: Header) -> int:
    """The bytes of further blocks with GNU's map of a sparse file, which stand before its content."""
    more, length = header.extended, 0
    while more:
        block = file.read(BLOCK)
        if len(block) < BLOCK:
            raise Broken("it ends too early")
        more = block[504] != 0
        length += BLOCK
    return length


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
