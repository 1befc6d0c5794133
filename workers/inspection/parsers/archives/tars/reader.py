"""Hands out the entries of a tar, one by one."""

import stat
from typing import BinaryIO

from workers.inspection.identification.tars import BLOCK, has_checksum
from workers.inspection.parsers.archives.errors import MalformedArchive, UnreadableArchive
from workers.inspection.parsers.archives.hidden import report_hidden
from workers.inspection.parsers.archives.output import ArchiveOutput, quoted
from workers.inspection.parsers.archives.rest import report_rest
from workers.inspection.parsers.archives.tars.description import Description, global_problem, name_of, size_of
from workers.inspection.parsers.archives.tars.header import TarHeader, parse_header
from workers.inspection.parsers.port import LimitExceeded

_CHUNK = 64 << 10
# The longest description of the next entry ("g": of all that follow), by its type flag. Real ones are far shorter.
_LONGEST = {"L": 64 << 10, "K": 64 << 10, "x": 1 << 20, "X": 1 << 20, "g": 1 << 20}
_SPECIAL_FILES = {"3": stat.S_IFCHR, "4": stat.S_IFBLK, "6": stat.S_IFIFO}
_HARD_LINK, _LINK, _FOLDER, _SPARSE, _NEXT_VOLUME = "1", "2", "5", "S", "M"
_WITHOUT_CONTENT = {_HARD_LINK, _LINK, _FOLDER, *_SPECIAL_FILES}


def read(file: BinaryIO, size: int, output: ArchiveOutput) -> None:
    """Hand out the files in their order. Raises MalformedArchive, UnreadableArchive and LimitExceeded."""
    description = Description()
    while block := file.read(BLOCK):
        if not block.strip(b"\0"):
            _check_end(file, output)
            break
        header = parse_header(block)
        if header.type_flag not in _LONGEST:
            _entry(file, size, header, description, output)
            description = Description()
            continue
        content = _description(file, header, output)
        if header.type_flag != "g":
            description.add(header.type_flag, content)
        elif problem := global_problem(content):
            output.ambiguous(header.full, problem)
    if not description.empty:
        raise MalformedArchive("it ends after the description of an entry, without the entry")


def _check_end(file: BinaryIO, output: ArchiveOutput) -> None:
    """The first block of zeros ends the tar: only zeros may follow, which fill up the last record."""
    while data := file.read(BLOCK):
        if data.strip(b"\0"):
            # Some programs go on behind one block of zeros, or behind all of them when they are told to.
            if has_checksum(data):
                output.finding("hidden_entry", "The archive goes on behind its end, which only some programs see.")
            else:
                report_rest(file, file.tell() - len(data), output)
            return


def _description(file: BinaryIO, header: TarHeader, output: ArchiveOutput) -> bytes:
    if header.size > _LONGEST[header.type_flag]:
        raise LimitExceeded(f"The archive describes an entry with more than {_LONGEST[header.type_flag]} bytes.")
    data = file.read(_padded(header.size))
    if len(data) < _padded(header.size):
        raise MalformedArchive("it ends too early")
    report_hidden(data, "in the description of an entry", output)
    return data[: header.size]


def _entry(file: BinaryIO, size: int, header: TarHeader, description: Description, output: ArchiveOutput) -> None:
    name, problem = name_of(header, description)
    if problem:
        output.ambiguous(name, problem)
    output.entry(*dict.fromkeys([name, *header.names, *description.paths]))
    length, start = size_of(header, description.sizes), file.tell()
    if start + length > size:
        raise MalformedArchive(f"it ends in the middle of its entry {quoted(name)}")
    if header.type_flag in _WITHOUT_CONTENT:
        _check_special(header, name, description, length, output)
    elif header.type_flag == _SPARSE or description.sparse:
        message = f"The archive's entry {quoted(name)} is a sparse file, which cannot be unpacked here."
        output.finding("unsupported_compression", message)
        start += _map_length(file, header)
    elif header.type_flag == _NEXT_VOLUME:
        raise UnreadableArchive("unsupported", "The archive is one part of a split archive.")
    else:
        _write_member(file, name, length, output)
        _check_padding(file, length, output)
    file.seek(start + _padded(length))


def _check_special(header: TarHeader, name: str, description: Description, length: int, output: ArchiveOutput) -> None:
    if header.type_flag in _SPECIAL_FILES:
        output.special_file(name, _SPECIAL_FILES[header.type_flag])
    elif header.type_flag != _FOLDER:
        targets = dict.fromkeys([*(each for each in description.targets[::-1] if each), header.target])
        output.link(name, *targets, hard=header.type_flag == _HARD_LINK)
    if length:
        output.ambiguous(name, "it is not a file and has content, which only some programs skip")


def _write_member(file: BinaryIO, name: str, length: int, output: ArchiveOutput) -> None:
    left = length
    with output.member(name) as write:
        while left:
            data = file.read(min(left, _CHUNK))
            if not data:
                raise MalformedArchive(f"it ends in the middle of its entry {quoted(name)}")
            left -= len(data)
            write(data)


def _check_padding(file: BinaryIO, length: int, output: ArchiveOutput) -> None:
    """Old programs leave what was in their memory behind the content; it must not be a file."""
    padding = file.read(_padded(length) - length)
    if padding.strip(b"\0"):
        report_hidden(padding, "behind the content of an entry", output)


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
