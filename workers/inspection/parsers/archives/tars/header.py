"""The header of a tar's entry, and the pax records that override it. Pure."""

import re
from collections.abc import Mapping
from typing import NamedTuple, Self

from workers.inspection.parsers.archives.errors import MalformedArchive
from workers.inspection.parsers.archives.formats import BLOCK, checksum_fits

_OCTAL = re.compile(rb"[ \0]*([0-7]*)[ \0]*")
_LARGEST_OCTAL = 8**11 - 1  # the largest size in the octal field of 12 bytes
_RECORD = re.compile(rb"(\d{1,8}) ([^=\n]+)=")
_FILES = {"\0", "0", "7"}  # 7 is a contiguous file, which systems of today store as any other


class TarHeader(NamedTuple):
    """An entry as its header describes it. `type_flag` is “0” for every kind of file; `size` is in bytes.

    `extended` says that further blocks with the map of a sparse file follow.
    """

    name: str
    type_flag: str
    size: int
    sparse: bool
    extended: bool

    def with_records(self, pax_records: Mapping[str, str]) -> Self:
        """The entry with the values of pax records and GNU's long names."""
        name = pax_records.get("path", self.name)
        sparse = any(key.startswith("GNU.sparse.") for key in pax_records)
        changed = self._replace(name=pax_records.get("GNU.sparse.name", name), sparse=sparse)
        if (declared := pax_records.get("size")) is None:
            return changed
        if not declared.isascii() or not declared.isdigit() or len(declared) > 20:
            raise MalformedArchive("the size of an entry is not valid")
        size = int(declared)
        # A program without pax uses the header's size and reads the next entry elsewhere. Only a size that the header
        # has no room for may differ.
        if size <= _LARGEST_OCTAL and size != self.size:
            raise MalformedArchive("an entry has two sizes")
        return changed._replace(size=size)


def parse_header(block: bytes) -> TarHeader:
    """The header in `block`; raises MalformedArchive."""
    if len(block) < BLOCK or not checksum_fits(block):
        raise MalformedArchive("an entry's header is not valid")
    type_flag = chr(block[156])
    name = text_field(block[:100])
    if block[257:263] == b"ustar\0" and (prefix := text_field(block[345:500])):
        name = f"{prefix}/{name}"
    if type_flag in _FILES:
        type_flag = "5" if type_flag == "\0" and name.endswith("/") else "0"
    return TarHeader(
        name, type_flag, _number(block[124:136]), sparse=False, extended=type_flag == "S" and block[482] != 0
    )


def text_field(field: bytes) -> str:
    """The text of a field, up to its NUL."""
    return field.partition(b"\0")[0].decode("utf-8", "replace")


def pax_records(data: bytes) -> dict[str, str]:
    r"""The records of a pax header: “LENGTH KEY=VALUE\n”; the length is that of the whole record."""
    found: dict[str, str] = {}
    data = data.rstrip(b"\0")
    at = 0
    while at < len(data):
        match = _RECORD.match(data, at)
        end = at + int(match[1]) if match else 0
        if match is None or end <= match.end() or end > len(data) or data[end - 1 : end] != b"\n":
            raise MalformedArchive("the description of an entry is not valid")
        found[match[2].decode("utf-8", "replace")] = data[match.end() : end - 1].decode("utf-8", "replace")
        at = end
    return found


def _number(field: bytes) -> int:
    """Octal digits, or (GNU) a big-endian number after a byte of 128. GNU's negative numbers are not valid here."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    match = _OCTAL.fullmatch(field)
    if match is None:
        raise MalformedArchive("the size of an entry is not valid")
    return int(match[1] or b"0", 8)
