"""What hyperlinks, linked objects and linked pictures in binary parts lead to."""

import struct

import pytest

from tests.workers.inspection.parsers.compound_samples import word
from tests.workers.inspection.parsers.moniker_samples import (
    ANTI,
    NEW,
    SCRIPT,
    composite,
    file,
    hyperlink,
    item,
    moniker,
    ole_stream,
    picture,
    properties,
    url,
)
from tests.workers.inspection.parsers.office_samples import DOC, RTF, found
from tests.workers.inspection.parsers.recorder import Recorder
from workers.inspection.parsers.documents.ole.monikers import report_links, report_ole_stream

SHARE = "\\\\example.org\\share\\a.xls"
ID = bytes.fromhex("795881f43b1d7f48af2c825dc485276300000000a5ab0000")
WORD_LINK = struct.pack("<LHHHHH", 99, 0x44, 0x66, 0, 0, 0).ljust(68, b"\0")
REMOTE = "http://a".encode("utf-16-le")
FILL, LINE, POINTS, FILLED = 0x4187, 0x41C7, 0x0145, 0x0188


def filled(points: bytes) -> bytes:
    """A shape with points, whose header of six bytes their size leaves out, and with a linked picture inside."""
    table = properties((POINTS, points), (FILL, REMOTE), (FILLED, 8))
    return table.replace(struct.pack("<HL", POINTS | 0x8000, 14), struct.pack("<HL", POINTS | 0x8000, 8))


def _linked(content: bytes) -> list[str]:
    return found(word(Data=content), DOC)


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        (hyperlink(url("https://example.org/"), name="Example", place="top"), []),
        (hyperlink(url("https://example.org/setup.exe", ID), frame="_blank"), []),
        (hyperlink(url("mailto:a@example.org?subject=a b")), []),
        (hyperlink(place="Sheet2!A1", flags=0), []),
        (hyperlink(place="Sheet2!A1", name="\\\\example.org\\a", flags=0), []),
        (hyperlink(file("b.xls", "b.xls", above=1)), ["external_link"]),
        (hyperlink(url("page.htm")), ["external_link"]),
        (hyperlink(file("C:\\Users\\a\\b.doc", "C:\\Users\\a\\b.doc"), name="b"), ["external_link"]),
        (hyperlink(composite(file("..\\b.xls"), item(b"A1\0"))), ["external_link"]),
        (hyperlink(SHARE), ["unsafe_link"]),
        (hyperlink(SHARE, name="https://example.org/", frame="_top", place="A1"), ["unsafe_link"]),
        (hyperlink("https://example.org/"), []),
        (hyperlink(file(SHARE)), ["unsafe_link"]),
        (hyperlink(file("a.xls", SHARE)), ["external_link", "unsafe_link"]),
        (hyperlink(file("A~1.EXE", "C:\\a b.exe")), ["unsafe_link"]),
        (hyperlink(url("ms-msdt:/id a b")), ["unsafe_link"]),
        (hyperlink(url("file://example.org/share/a")), ["unsafe_link"]),
        (hyperlink(moniker(SCRIPT)), ["unsafe_link"]),
        (moniker(ANTI) + url("search-ms:query=a"), ["unsafe_link"]),
    ],
    ids=str,
)
def test_a_hyperlink_is_judged_by_where_it_leads(link: bytes, expected: list[str]) -> None:
    assert _linked(link) == expected
    assert found(b"{\\rtf1{\\*\\datafield %s}}" % link.hex().encode(), RTF) == expected


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        (url("ms-msdt:a").replace(struct.pack("<L", 20), struct.pack("<L", 0xFFFFFFF0)), ["unsafe_link"]),
        (file(SHARE).replace(struct.pack("<L", len(SHARE) + 1), struct.pack("<L", 0x7FFFFFFF)), ["unsafe_link"]),
        (url("ms-msdt:" + "a" * 9000), ["unsafe_link"]),
        (hyperlink(SHARE)[:60], ["unsafe_link"]),
        (hyperlink(SHARE, name="a")[:24], []),
        (hyperlink(SHARE)[:20], []),
        (hyperlink(SHARE).replace(b"\2\0\0\0", b"\3\0\0\0", 1), []),
        (file("")[:30], []),
        (url("")[:16], []),
    ],
    ids=str,
)
def test_lengths_that_lie_hide_no_address(link: bytes, expected: list[str]) -> None:
    """The stream of a sample is padded with zeros, so what is cut off goes on with them."""
    assert _linked(link) == expected


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (ole_stream(flags=0), []),
        (ole_stream(file("b.xls"), file("C:\\a\\b.xls", "C:\\a\\b.xls")), ["external_link"]),
        (ole_stream(composite(file("b.xls", above=2), item(b"A1\0")), own=moniker(ANTI, b"\1\0\0\0")),
         ["external_link"]),
        (ole_stream(absolute=composite(file("C:\\b.xls"), item(b"Sheet1!R1C1\0"))), ["external_link"]),
        (ole_stream(file("b.xls"), file(SHARE)), ["remote_template"]),
        (ole_stream(file("b.xls"), file("b.xls", "\\\\ä.example.org\\a.hta")), ["remote_template"]),
        (ole_stream(file("\\\\ä.example.org\\a.hta")), ["remote_template"]),
        (ole_stream(absolute=url("https://example.org/a.hta", ID)), ["remote_template"]),
        (ole_stream(absolute=url("https://example.org/a.hta", ID), flags=0), ["remote_template"]),
        (ole_stream(absolute=composite(file("C:\\Temp\\a.sct"), moniker(NEW))), ["remote_template"]),
        (ole_stream(absolute=composite(file("C:\\Temp\\a.sct"), moniker(SCRIPT)), flags=0), ["remote_template"]),
        (ole_stream(composite(file("C:\\a"), composite(file("C:\\b")))), ["remote_template"]),
        (ole_stream(own=moniker("3050f4d8-98b5-11cf-bb82-00aa00bdce0b")), ["remote_template"]),
        (ole_stream(file("b.xls"))[:30], ["remote_template"]),
        (ole_stream(), ["external_link"]),
    ],
    ids=str,
)  # fmt: skip
def test_a_linked_object_is_judged_by_all_that_its_monikers_name(stream: bytes, expected: list[str]) -> None:
    assert found(word(streams={"ObjectPool/_1/\x01Ole": stream}), DOC) == expected


@pytest.mark.parametrize(
    ("drawing", "expected"),
    [
        (picture("C:\\Users\\a\\b.png"), []),
        (picture("https://example.org/a.png", flags=2), []),
        (picture("C:\\a.png") + hyperlink(url("https://example.org/")), []),
        (picture("https://example.org/a.png"), ["external_reference"]),
        (picture("\\\\example.org\\a.png", flags=0x0E), ["external_reference"]),
        (picture("https://example.org/a.png", name=0x0105), ["external_reference"]),
        (picture("https://example.org/a.png", name=FILL), ["external_reference"]),
        (picture("https://example.org/a.png", name=LINE), ["external_reference"]),
        (properties((0x0106, 8), (0x0105, REMOTE), kind=0xF122), ["external_reference"]),
        (filled(b"\2\0\2\0\4\0" + bytes(8)),
         ["external_reference"]),
        (filled(b"\2\0\2\0\xf0\xff" + bytes(8)),
         ["external_reference"]),
        (properties((0x0104, 1), (0x0105, b""), (0x0106, 8)), []),
        (properties((0x0105, REMOTE))[:-18], []),
        (WORD_LINK + b"\x15http://example.org/a.", ["external_reference"]),
        (WORD_LINK + b"\x08C:\\a.png", []),
        (WORD_LINK[4:] + b"\x15http://example.org/a.", []),
        ("PDf: see http://example.org/a.png, or the page before".encode("utf-16-le"), []),
    ],
    ids=str,
)  # fmt: skip
def test_a_linked_picture_is_judged_by_its_own_name(drawing: bytes, expected: list[str]) -> None:
    assert _linked(drawing) == expected


def test_a_stream_that_is_cut_off_says_nothing() -> None:
    output = Recorder()
    report_ole_stream(ole_stream(url("https://example.org/"))[:19], output)
    report_links(file("a")[:30] + hyperlink(SHARE)[:20], output)
    assert [finding.code for finding in output.findings] == ["external_link"]
