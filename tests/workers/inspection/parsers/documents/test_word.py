"""Texts before 2007 ([MS-DOC]): the tables that the FIB leads to, of Word 97 and of the versions before it."""

import struct
from collections.abc import Mapping, Sequence

import pytest

from tests.workers.inspection.parsers.compound_samples import compound, word
from tests.workers.inspection.parsers.moniker_samples import hyperlink, url
from tests.workers.inspection.parsers.office_samples import DOC, found

DDE, LINKED = "\x13 DDEAUTO cmd \x14x\x15", '\x13 HYPERLINK "https://example.org/" \x14DDE\x15'
MAIN, HEADERS, ENDNOTES, BOXES, HEADER_BOXES = 0x011A, 0x0122, 0x021A, 0x0262, 0x0272
ENDNOTE_TEXTS, BOX_TEXTS = 0x0222, 0x025A
BODY = 1024


def pieces(*parts: tuple[int, int]) -> bytes:
    """A table of these places and lengths, behind a list of changes."""
    ends, at = [0], 0
    for _, length in parts:
        at += length
        ends.append(at)
    rows = b"".join(struct.pack("<HLH", 0, place, 0) for place, _ in parts)
    body = struct.pack(f"<{len(ends)}L", *ends) + rows
    return b"\1\2\0xx" + b"\2" + struct.pack("<L", len(body)) + body


def fields(*kinds: int) -> bytes:
    """A table of fields of these types, without results."""
    marks = b"".join(struct.pack("<BBBB", 0x13, kind, 0x15, 0) for kind in kinds)
    return struct.pack(f"<{2 * len(kinds) + 1}L", *range(2 * len(kinds) + 1)) + marks


def strings(texts: Mapping[int, str]) -> bytes:
    rows = [texts.get(number, "") for number in range(18)]
    body = b"".join(struct.pack("<H", len(text)) + text.encode("utf-16-le") for text in rows)
    return struct.pack("<HHH", 0xFFFF, len(rows), 0) + body


def document(text: bytes = b"Dear all", tables: Mapping[int, bytes] | None = None, *, flags: int = 0) -> bytes:
    """A text of Word 97 with these tables, by their places in the FIB."""
    fib = bytearray(struct.pack("<HHHHHH", 0xA5EC, 0xC1, 0, 0x407, 0, flags).ljust(BODY, b"\0"))
    table = b"\0" * 16
    for place, content in {0x01A2: pieces((BODY * 2 | 0x40000000, len(text))), **(tables or {})}.items():
        struct.pack_into("<LL", fib, place, len(table), len(content))
        table += content
    return compound({"WordDocument": bytes(fib) + text, "0Table": table})


def old(text: str, *, behind: str = "", parts: Sequence[tuple[int, int]] = (), texts: Sequence[str] = ()) -> bytes:
    """A text of Word 6 in one run, with more `behind` it; its tables are in the same stream."""
    fib = bytearray(struct.pack("<HHHHHH", 0xA5DC, 0x68, 0, 0x407, 0, 0x4 * bool(parts)).ljust(BODY, b"\0"))
    struct.pack_into("<LL", fib, 0x18, BODY, BODY + len(text))
    body = (text + behind).encode("cp1252")
    rows = b"".join(bytes([len(one)]) + one.encode("cp1252") for one in texts)
    for place, table in ((0x0158, struct.pack("<H", len(rows) + 2) + rows), (0x0160, pieces(*parts) if parts else b"")):
        struct.pack_into("<LL", fib, place, BODY + len(body), len(table))
        body += table
    return compound({"WordDocument": bytes(fib) + body})


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (document(), []),
        (document(tables={MAIN: fields(0x58, 0x21, 0x0D), HEADERS: fields(0x21)}), []),
        (document(tables={BOX_TEXTS: fields(0x2D), ENDNOTE_TEXTS: fields(0x2E)}), []),
        *[(document(tables={place: fields(0x58, 0x2E)}), ["active_field"])
          for place in (MAIN, HEADERS, 0x012A, 0x0132, 0x013A, ENDNOTES, BOXES, HEADER_BOXES)],
        *[(document(tables={MAIN: fields(kind)}), ["active_field"]) for kind in (0x24, 0x28, 0x30, 0x44, 0x4E)],
        *[(document(tables={MAIN: fields(kind)}), ["embedded_object"]) for kind in (0x57, 0x5B)],
        (document(tables={0x019A: strings({1: "Normal.dot"})}), []),
        (document(tables={0x019A: strings({1: "C:\\Templates\\a b.dot"})}), []),
        (document(tables={0x019A: strings({1: "\\\\example.org\\share\\a.dot"})}), ["remote_template"]),
        (document(tables={0x019A: strings({2: "https://example.org/", 6: "\\\\example.org\\a"})}), []),
        (document(tables={0x019A: strings({8: "C:\\list.xls"})}), ["external_link"]),
        (document(tables={0x019A: strings({8: "\\\\example.org\\list.xls"})}), ["external_data"]),
        (document(tables={0x019A: strings({9: "https://example.org/heads.doc"})}), ["external_data"]),
        (document(tables={0x019A: strings({1: "\\\\example.org\\a.dot"})[:9]}), []),
        (document(tables={0x01A2: pieces((BODY, 4), (BODY * 2 | 0x40000000, 4))}), []),
        (document(tables={0x01A2: b""}), ["malformed"]),
        (document(tables={0x01A2: b"\3"}), ["malformed"]),
        (document(flags=0x0100), ["encrypted"]),
        (document(DDE.encode("cp1252"), flags=0x0200), []),
    ],
    ids=lambda value: str(value)[-30:],
)  # fmt: skip
def test_what_the_tables_of_a_text_say(content: bytes, expected: list[str]) -> None:
    assert found(content, DOC) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (old("Dear all"), []),
        (old(LINKED, texts=["", "NORMAL.DOT", "Title"]), []),
        (old(DDE), ["active_field"]),
        (old("Dear all", behind=DDE, parts=[(BODY, 8)]), []),
        (old("Dear all", behind=DDE, parts=[(BODY, 8), (BODY + 8, len(DDE))]), ["active_field"]),
        (old(" all ...", behind="EUTO\x13DDEA", parts=[(BODY + 12, 5), (BODY + 9, 3), (BODY, 8)]), ["active_field"]),
        (old("Dear all", texts=["", "\\\\example.org\\a.dot"]), ["remote_template"]),
        (old("Dear all", texts=[""] * 8 + ["\\\\example.org\\a.xls"]), ["external_data"]),
    ],
    ids=lambda value: str(value)[-30:],
)
def test_a_text_of_word_6_is_read_in_its_own_form(content: bytes, expected: list[str]) -> None:
    assert found(content, DOC) == expected


def _properties(base: str) -> bytes:
    """A set of properties whose dictionary names the base of links; its value is of bytes."""
    text = f"{base}\0".encode("utf-16-le")
    return b"\xfe\xff" + bytes(60) + b"_PID_LINKBASE\0" + struct.pack("<LL", 0x41, len(text)) + text


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        (_properties("https://example.org/docs/"), []),
        (_properties(""), []),
        (_properties("C:\\docs\\"), ["external_link"]),
        (_properties("\\\\example.org\\share\\"), ["unsafe_link"]),
        (_properties("\\\\example.org\\share\\").replace(b"BASE", b"TEXT"), []),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_where_relative_links_begin_is_judged_as_a_link(properties: bytes, expected: list[str]) -> None:
    assert found(word(streams={"\x05DocumentSummaryInformation": properties}), DOC) == expected


def test_the_hyperlink_of_a_field_is_read_from_its_data() -> None:
    assert found(word(LINKED, Data=bytes(68) + hyperlink(url("https://example.org/"))), DOC) == []
    assert found(word(LINKED, Data=bytes(68) + hyperlink(url("ms-msdt:a"))), DOC) == ["unsafe_link"]


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("http://example.org/a.htm", ["remote_template"]),
        ("\\\\example.org\\share\\a.doc", ["remote_template"]),
        ("C:\\a\\b.doc", []),
    ],
)
def test_files_of_frames_and_subdocuments_are_judged_by_their_place(name: str, codes: list[str]) -> None:
    rows = b"".join(struct.pack("<H", len(each)) + each.encode("utf-16-le") + bytes(8) for each in ("a.doc", name))
    assert found(document(tables={0x02DA: struct.pack("<HHH", 0xFFFF, 2, 8) + rows}), DOC) == codes


def test_pieces_that_are_larger_than_the_document_are_a_limit() -> None:
    overlapping = pieces(*[(BODY, 1000)] * 200)
    assert found(document(tables={0x01A2: overlapping}), DOC) == ["limits_exceeded"]
