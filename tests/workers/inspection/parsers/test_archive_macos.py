"""What macOS puts beside the files of an archive passes, and nothing else does in its clothes."""

import struct

import pytest

from tests.workers.inspection.parsers import archive_samples as samples
from tests.workers.inspection.parsers.archive_samples import examined

APPLE_DOUBLE, DS_STORE = "application/applefile", "application/x-ds-store"
FINDER, FORK = 9, 2


def apple_double(*parts: tuple[int, bytes], shift: int = 0) -> bytes:
    """An AppleDouble file; `shift` moves what its header says of the places of its parts."""
    head, body = struct.pack(">2L16sH", 0x51607, 0x20000, b"Mac OS X        ", len(parts)), b""
    at = len(head) + 12 * len(parts)
    for kind, content in parts:
        head += struct.pack(">3L", kind, at + len(body) + shift, len(content))
        body += content
    return head + body


QUARANTINE = bytes(34) + b"ATTR" + bytes(82) + b"com.apple.quarantine\0" + b"0081;6553f100;Safari;" * 2
GOOD = apple_double((FINDER, QUARANTINE), (FORK, b"This resource fork intentionally left blank   " + bytes(240)))
STORE = b"\0\0\0\1Bud1" + bytes(24) + "Iloc".encode("utf-16-be") * 30 + bytes(6000)


def test_attributes_and_the_look_of_a_folder_pass() -> None:
    for data, media_type in ((GOOD, APPLE_DOUBLE), (STORE, DS_STORE)):
        output = examined(data, media_type)
        assert (output.findings, output.members) == ([], [])


PAGE = b"<html><script>alert(1)</script>"


@pytest.mark.parametrize("hidden", [samples.zip_by_hand(samples.Part()), samples.GOOD["7z"], PAGE, b"<?php echo(1);"])
def test_another_file_in_them_is_hidden(hidden: bytes) -> None:
    assert examined(apple_double((FORK, bytes(100) + hidden)), APPLE_DOUBLE).codes == {"hidden_entry"}
    assert examined(STORE + hidden, DS_STORE).codes == {"hidden_entry"}


def overlapping() -> bytes:
    """The part begins in the header, and ends where it should."""
    data = bytearray(apple_double((FORK, b"x")))
    data[30:38] = struct.pack(">2L", 30, 9)
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        overlapping(),
        GOOD[:-1],
        GOOD + b"x",
        GOOD[:20],
        apple_double((FORK, b"x"), shift=1),
        apple_double(),
        b"\0\5\x16\7",
    ],
)
def test_an_apple_double_file_whose_parts_are_not_in_their_places(data: bytes) -> None:
    assert examined(data, APPLE_DOUBLE).codes == {"malformed"}
