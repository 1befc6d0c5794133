"""The header of a tar's entry, and what describes it further: pax records and GNU's long names. Pure."""

import re
from typing import NamedTuple

from workers.inspection.identification.tars import has_checksum
from workers.inspection.parsers.archives.errors import MalformedArchive

_OCTAL = re.compile(rb"[ \0]*([0-7]*)[ \0]*")
_RECORD = re.compile(rb"(\d{1,8}) ([^=\n]+)=")
_FILES = {"\0", "0", "7"}  # 7 is a contiguous file, which systems of today store as any other
_USTAR, _GNU = b"ustar\x00", b"ustar "


class TarHeader(NamedTuple):
    """A header alone. `names` has each name that a program may take from it; `full` is the one with the prefix.

    `type_flag` is “0” for every kind of file; `size` is in bytes. `extended` says that further blocks with the map of a
    sparse file follow.
    """

    names: tuple[str, ...]
    full: str
    type_flag: str
    size: int
    target: str
    extended: bool
    two_names: bool


def parse_header(block: bytes) -> TarHeader:
    """The header in `block`; raises MalformedArchive."""
    if not has_checksum(block):
        raise MalformedArchive("an entry's header is not valid")
    type_flag = chr(block[156])
    name, prefix = text_field(block[:100]), text_field(block[345:500])
    if type_flag == "S":
        prefix = ""  # the map of a sparse file is there
    names = [name, f"{prefix}/{name}"] if prefix else [name]
    is_ustar = block[257:263] == _USTAR
    # GNU's own format has times there, which Python takes for a prefix.
    two_names = bool(prefix) and not is_ustar and not (block[257:263] == _GNU and _is_time(block[345:500]))
    if type_flag in _FILES:
        type_flag = "5" if type_flag == "\0" and name.endswith("/") else "0"
    return TarHeader(
        names=tuple(names),
        full=names[-1] if is_ustar else name,
        type_flag=type_flag,
        size=_number(block[124:136]),
        target=text_field(block[157:257]),
        extended=type_flag == "S" and block[482] != 0,
        two_names=two_names,
    )


def text_field(field: bytes) -> str:
    """The text of a field, up to its NUL."""
    return field.partition(b"\0")[0].decode("utf-8", "replace")


def pax_records(data: bytes) -> list[tuple[str, bytes]]:
    r"""The records of a pax header: “LENGTH KEY=VALUE\n”; the length is that of the whole record."""
    found: list[tuple[str, bytes]] = []
    data = data.rstrip(b"\0")
    at = 0
    while at < len(data):
        match = _RECORD.match(data, at)
        end = at + int(match[1]) if match else 0
        if match is None or end <= match.end() or end > len(data) or data[end - 1 : end] != b"\n":
            raise MalformedArchive("the description of an entry is not valid")
        found.append((match[2].decode("utf-8", "replace"), data[match.end() : end - 1]))
        at = end
    return found


def _is_time(field: bytes) -> bool:
    return _OCTAL.fullmatch(field[:12]) is not None


def _number(field: bytes) -> int:
    """Octal digits, or (GNU) a big-endian number after a byte of 128. GNU's negative numbers are not valid here."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    match = _OCTAL.fullmatch(field)
    if match is None:
        raise MalformedArchive("the size of an entry is not valid")
    return int(match[1] or b"0", 8)
