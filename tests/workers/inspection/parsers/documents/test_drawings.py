"""Tables of properties that repeat or overlap take no more work than their bytes and a bound on their rows."""

import re

import pytest

from workers.inspection.parsers.documents.ole import drawings
from workers.inspection.parsers.documents.ole.drawings import linked_pictures
from workers.inspection.parsers.port import LimitExceeded

MARK = b"\xf3\xff\x0b\xf0"


class CountingSearch:
    """A pattern that counts the bytes it reads."""

    def __init__(self) -> None:
        self.bytes = 0

    def search(self, data: bytes, at: int) -> "re.Match[bytes] | None":
        found = re.compile(rb"[\x05\x87\xc7][\x81\xc1]").search(data, at)
        self.bytes += (found.end() if found else len(data)) - at
        return found


def test_marks_without_end_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = CountingSearch()
    monkeypatch.setattr(drawings, "_NAME", counting)
    data = 10_000 * MARK
    assert list(linked_pictures(data)) == []
    assert 0 < counting.bytes <= 3 * len(data)


@pytest.mark.long
def test_rows_that_overlap_are_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = MARK + bytes(4) + b"\1\0\0\0"
    data = 500 * unit + b"\x05\xc1" + bytes(24_000)
    assert list(linked_pictures(data)) == []
    monkeypatch.setattr(drawings, "_MOST_ROWS", 1_000_000)
    with pytest.raises(LimitExceeded, match="1,000,000 properties"):
        list(linked_pictures(data))
