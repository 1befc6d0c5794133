"""Pictures that a drawing links to ([MS-ODRAW] 2.3.23, 2.3.7 and 2.3.8; [MS-DOC] 2.9.190). Pure."""

import re
import struct
from collections.abc import Iterator

from workers.inspection.parsers.port import LimitExceeded

# The types of a table of properties (OfficeArtFOPT, 2.2.9 to 2.2.11), which stand behind its version, 3, and its count.
_TABLES = (b"\x0b\xf0", b"\x21\xf1", b"\x22\xf1")
_COMPLEX, _NUMBER = 0x8000, 0x3FFF
# The name of a shape's picture, of the picture that fills it, and of the one that fills its lines; the property behind
# each has flags. 8 says that the picture is a link.
_NAMES = (0x0105, 0x0187, 0x01C7)
_NAME = re.compile(rb"[\x05\x87\xc7][\x81\xc1]")
_LINK = 8
# The rows of all tables in a part. Marks that stand there by chance add some thousands for each MiB.
_MOST_ROWS = 4_000_000
# Word's header of a picture that is a file elsewhere: behind the size of all, that of the header and MM_SHAPEFILE.
_WORD_HEADER = 68
_WORD_LINK = bytes([_WORD_HEADER, 0, 0x66, 0])


def linked_pictures(data: bytes) -> Iterator[str]:
    """The addresses of pictures that a drawing links to, and that are loaded when it is shown.

    Raises LimitExceeded where the tables, which may overlap in a broken file, have too many rows.
    """
    left = _MOST_ROWS
    for at, count in _named_tables(data):
        left -= min(count, (len(data) - at) // 6 + 1)
        if left < 0:
            raise LimitExceeded(f"The drawings of the document have more than {_MOST_ROWS:,} properties.")
        yield from _linked(data, at, count)


def _named_tables(data: bytes) -> Iterator[tuple[int, int]]:
    """Where the rows of each table begin that may have a picture's name, and how many they are."""
    for kind in _TABLES:
        name = -1
        for mark in positions(data, kind):
            at, count = mark + 4, int.from_bytes(data[mark - 4 : mark - 2], "little")
            if count & 0xF == 3 and name < at:
                found = _NAME.search(data, at)
                name = found.start() if found else len(data)
            if count & 0xF == 3 and name + 2 <= min(at + 6 * (count >> 4), len(data)):
                yield at, count >> 4


def linked_by_word(data: bytes) -> Iterator[str]:
    """The names of the pictures that a text links to, in Word's stream `Data`."""
    for at in positions(data, _WORD_LINK):
        size = int.from_bytes(data[at - 8 : at - 4], "little")
        name = data[at + 61 : at + 61 + data[at + 60]] if _WORD_HEADER < size <= len(data) - at + 8 else b""
        if b"\0" not in name:
            yield name.decode("cp1252", "replace")


def positions(data: bytes, mark: bytes) -> Iterator[int]:
    """Where the bytes behind each mark begin."""
    at = data.find(mark)
    while at >= 0:
        yield at + len(mark)
        at = data.find(mark, at + len(mark))


def _linked(data: bytes, at: int, count: int) -> Iterator[str]:
    """The names in one table, whose long values follow it in the order of its rows."""
    behind = at + 6 * count
    names: dict[int, str] = {}
    flags: dict[int, int] = {}
    for row in range(at, min(behind, len(data) - 5), 6):
        number, value = struct.unpack_from("<HL", data, row)
        flags[number & _NUMBER] = value
        if number & _COMPLEX:
            if number & _NUMBER in _NAMES:
                names[number & _NUMBER] = data[behind : behind + min(value, 8192)].decode("utf-16-le", "replace")
            behind += value + _left_out(data, behind, value)
        if behind > len(data):
            break
    for number in _NAMES:
        if number in names and flags.get(number + 1, 0) & _LINK:
            yield names[number].partition("\0")[0]


def _left_out(data: bytes, at: int, size: int) -> int:
    """Arrays have a header of 6 bytes, which some programs leave out of the size."""
    if size == 0 or at + 6 > len(data):
        return 0
    elements, _, width = struct.unpack_from("<HHH", data, at)
    return 6 if elements * (4 if width == 0xFFF0 else width) == size else 0
