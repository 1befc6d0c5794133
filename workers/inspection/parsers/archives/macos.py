"""What macOS puts beside the files of an archive: AppleDouble files ("._a.txt", RFC 1740, appendix B) and .DS_Store.

Only macOS reads them, and nothing that they hold is opened or run. So they must be what they say, and no part of them
may be a file for another program: marks of other formats are sought in all of their bytes.
"""

from collections.abc import Callable
from typing import BinaryIO

from workers.inspection.identification.sample import Sample
from workers.inspection.parsers.archives.errors import MalformedArchive
from workers.inspection.parsers.archives.hidden import formats_in

APPLE_DOUBLE, DS_STORE = "application/applefile", "application/x-ds-store"
TYPES = frozenset({APPLE_DOUBLE, DS_STORE})
APPLE_DOUBLE_MAGIC = b"\0\5\x16\7\0\2\0\0"
_HEADER, _ENTRY = 26, 12
_MOST_ENTRIES = 16  # RFC 1740 has 15 kinds


def read(file: BinaryIO, size: int, media_type: str, finding: Callable[[str, str], None]) -> None:
    """Report by `finding(code, message)` what is not in its place. Raises MalformedArchive."""
    if media_type == APPLE_DOUBLE:
        _check_entries(file, size)
    if found := formats_in(Sample(file, size)):
        finding("hidden_entry", f"Data of macOS have bytes that are a file of their own ({found[0]}).")


def _check_entries(file: BinaryIO, size: int) -> None:
    """The parts of an AppleDouble file lie in it, one behind the other, up to its end."""
    header = file.read(_HEADER)
    count = int.from_bytes(header[24:26])
    if not header.startswith(APPLE_DOUBLE_MAGIC) or not 0 < count <= _MOST_ENTRIES:
        raise MalformedArchive("its header is not that of an AppleDouble file")
    entries = [file.read(_ENTRY) for _ in range(count)]
    at = _HEADER + _ENTRY * count
    for start, length in sorted((int.from_bytes(each[4:8]), int.from_bytes(each[8:12])) for each in entries):
        if start != at:
            raise MalformedArchive("its parts do not follow each other")
        at = start + length
    if at != size:
        raise MalformedArchive("it does not end with its last part")
