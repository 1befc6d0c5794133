"""OLE2 containers that lie about themselves ([MS-CFB])."""

import struct

import pytest

from tests.workers.inspection.parsers.compound_samples import excel, sheet
from tests.workers.inspection.parsers.office_samples import XLS, found
from workers.inspection.parsers.documents.ole.container import open_container
from workers.inspection.parsers.port import LimitExceeded

BOOK = excel(sheet(0), streams={"A/B": b"x", "C": b"y"})


def _entry(content: bytes, name: str) -> int:
    """Where the directory's entry of this name begins."""
    text = name.encode("utf-16-le")
    return content.index(text.ljust(64, b"\0") + struct.pack("<H", len(text) + 2))


def _changed(name: str, offset: int, value: bytes, content: bytes = BOOK) -> bytes:
    at = _entry(content, name) + offset
    return content[:at] + value + content[at + len(value) :]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (BOOK, []),
        (BOOK + b"\0\r\n\x1a" * 200, []),
        (BOOK + b"PK\3\4", ["trailing_data"]),
        (_changed("A", 76, struct.pack("<L", 0)), ["malformed"]),
        (_changed("A", 76, struct.pack("<L", 1)), ["malformed"]),
        (_changed("C", 72, struct.pack("<L", 1)), ["malformed"]),
        (_changed("C", 0, "A".encode("utf-16-le")), ["malformed"]),
        (_changed("Workbook", 120, struct.pack("<Q", 1 << 31)), ["malformed"]),
        (_changed("Workbook", 120, struct.pack("<Q", len(BOOK) + 1)), ["malformed"]),
        (_changed("Workbook", 116, struct.pack("<L", 0x7FFFFFFF)), ["malformed"]),
        (BOOK[:600], ["malformed"]),
        (BOOK[:20], ["malformed"]),
        (b"", ["malformed"]),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_a_container_that_two_programs_would_read_differently_is_refused(content: bytes, expected: list[str]) -> None:
    assert found(content, XLS) == expected


def test_more_entries_than_the_limit_are_a_limit() -> None:
    with pytest.raises(LimitExceeded, match="more than 3 parts"):
        open_container(BOOK, len(BOOK), 3)


def test_names_are_compared_as_ole_does_and_one_that_is_missing_is_an_error() -> None:
    root = open_container(BOOK, len(BOOK), 100)
    assert root.has("WORKBOOK")
    assert root.read("workBook") == root.read("Workbook")
    with pytest.raises(KeyError):
        root.read("Book")
