import struct

import pytest

from tests.workers.inspection.parsers.compound_samples import (
    atom,
    compound,
    container,
    excel,
    linked_book,
    native,
    powerpoint,
    project,
    record,
    sheet,
    word,
)
from tests.workers.inspection.parsers.office_samples import DOC, OTHER, PPT, XLS, found, members
from workers.inspection.parsers.documents.ole.vba import decompress

CODE = b'Attribute VB_Name = "M"\r\nSub AutoOpen()\r\nShell 1\r\nEnd Sub\r\n'
EMPTY = b'Attribute VB_Name = "M"\r\nOption Explicit\r\n'
COMPILED = bytes(80) + b"\xfe\xca\x01\x00" + struct.pack("<H", 9)
URL_MONIKER = bytes.fromhex("e0c9ea79f9bace118c8200aa004ba90b")


def _below(storage: str, streams: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{storage}/{name}": body for name, body in streams.items()}


@pytest.mark.parametrize(
    ("streams", "expected"),
    [
        (project(CODE), "macros"),
        (project(EMPTY), "empty_macros"),
        (project(EMPTY, bytes(80) + b"\xfe\xca\x01\x00\0\0"), "empty_macros"),
        (project(EMPTY, COMPILED), "macros"),
        (project(EMPTY, bytes(80)), "macros"),
        ({**project(EMPTY), "Form1/f": b"x"}, "macros"),
        ({"VBA/M": b"x"}, "macros"),
    ],
)
def test_a_macro_project_is_judged_by_its_code(streams: dict[str, bytes], expected: str) -> None:
    assert found(word(streams=_below("Macros", streams)), DOC) == [expected]
    assert found(excel(sheet(0), streams=_below("_VBA_PROJECT_CUR", streams)), XLS) == [expected]


def test_packed_sources_are_unpacked() -> None:
    """The example of [MS-OVBA] 3.2.2."""
    packed = bytes.fromhex(
        "01 2f b0 00 23 61 61 61 62 63 64 65 82 66 00 70 61 67 68 69 6a 01 38 08 61 6b 6c 00 30 6d 6e 6f 70 06 71 02"
        "70 04 10 72 73 74 75 76 10 77 78 79 7a 00 3c"
    )
    assert decompress(packed) == b"#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (word("\x13 DDEAUTO cmd \x14x\x15"), ["active_field"]),
        (word(b"\x13 DDE cmd \x15"), ["active_field"]),
        (word("\x13\x13QUOTE 68 68 69\x14\x15 cmd\x15"), ["active_field"]),
        (word('\x13INCLUDETEXT "\\\\\\\\evil\\\\a.doc"\x15'), ["active_field"]),
        (word('\x13HYPERLINK "ms-msdt:a"\x15'), ["unsafe_link"]),
        (word('\x13HYPERLINK "https://example.org"\x14DDE\x15 and DDE'), []),
        (word(URL_MONIKER + struct.pack("<L", 18) + "ms-msdt:a".encode("utf-16-le")),
         ["unsafe_link"]),
        (word(template="http://example.org/a.dot"), ["remote_template"]),
        (word(template="\\\\example.org\\a.dot"), ["remote_template"]),
        (word(ObjectPool__=b""), []),
        (word(ObjectPool___1__Contents=b"x", ObjectPool___1__Other=b"y"), ["embedded_object"]),
        (word(ObjectPool___1__Workbook=b""), []),
    ],
    ids=str,
)  # fmt: skip
def test_what_a_text_does(content: bytes, expected: list[str]) -> None:
    assert found(content, DOC) == expected


def _formula(tokens: bytes) -> bytes:
    return record(0x0006, bytes(20) + struct.pack("<H", len(tokens)) + tokens)


def _text(text: bytes) -> bytes:
    return struct.pack("<BBB", 0x17, len(text), 0) + text


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (excel(sheet(1)), ["macros"]),
        (excel(sheet(6)), ["macros"]),
        (excel(linked_book("cmd\x03/c calc")), ["active_formula"]),
        (excel(linked_book("\x01\x05\x20http://example.org/a.xls")), ["external_link"]),
        (excel(linked_book("\x01\x01@server\x03share\x03a.xls")), ["external_link"]),
        (excel(linked_book("\x01C:\\a\x03b.xls"), record(0x01AE, b"\x01\0\x01\x04")), ["external_link"]),
        (excel(record(0x0023, bytes(6) + b"\x10\0_xlfn.WEBSERVICE")), ["active_formula"]),
        (excel(record(0x0876, bytes(6) + b"\x80\0")), ["external_data"]),
        (excel(record(0x0876, bytes(6) + b"\0\0")), ["external_link"]),
        (excel(sheet_records=(record(0x01AD, b"\x20\0"),)), ["external_data"]),
        (excel(sheet_records=(_formula(_text(b"a") + b"\x42\x03\x7b\x01"),)), ["active_formula"]),
        (excel(sheet_records=(_formula(_text(b"\x42\x01\x7b\x01") + b"\x42\1\4\0"),)), []),
        (excel(sheet_records=(_formula(_text(b"ms-msdt:a") + b"\x42\x01\x67\x01"),)), ["unsafe_link"]),
        (excel(sheet_records=(_formula(_text(b"\\\\example.org\\a b.xls") + b"\x42\x01\x67\x01"),)), ["unsafe_link"]),
        (excel(sheet_records=(_formula(_text(b"..\\a.xls") + b"\x42\x01\x67\x01"),)), ["external_link"]),
        (excel(sheet_records=(_formula(_text(b"https://example.org/a.exe") + b"\x42\x01\x67\x01"),)), []),
        (excel(sheet(0), Ctls=b"x"), ["embedded_object"]),
        (excel(sheet(0), MBD0123ABCD__Workbook=b""), []),
        (excel(sheet(0), MBD0123ABCD__Odd=b"x"), ["embedded_object"]),
    ],
    ids=str,
)
def test_what_a_workbook_does(content: bytes, expected: list[str]) -> None:
    assert found(content, XLS) == expected


def _stored(content: bytes) -> bytes:
    return atom(0x1011, content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (powerpoint(container(0x03F2, atom(0x0FF3, bytes(8) + b"\2" + bytes(7)))), ["active_action"]),
        (powerpoint(container(0x03F2, atom(0x0FF3, bytes(8) + b"\4" + bytes(7)))), []),
        (powerpoint(container(0x0409, container(0x0FEE))), ["embedded_object"]),
        (powerpoint(container(0x03FF, atom(0x0400, b"\1\0\0\0\1\0\0\0\2\0\0\0"))), ["macros"]),
        (powerpoint(_stored(compound(project(CODE)))), ["macros"]),
        (powerpoint(_stored(compound(project(EMPTY)))), ["empty_macros"]),
        (powerpoint(_stored(compound({"\x01Ole10Native": native(b"a.exe", b"MZ")}))), ["embedded_object"]),
        (powerpoint(_stored(excel(sheet(0)))), []),
        (powerpoint(container(0x0FD7, struct.pack("<HHL", 0x10, 0x0FBA, 18) + "ms-msdt:a".encode("utf-16-le"))),
         ["unsafe_link"]),
    ],
    ids=str,
)  # fmt: skip
def test_what_a_presentation_does(content: bytes, expected: list[str]) -> None:
    assert found(content, PPT) == expected


def test_a_file_in_a_package_is_a_finding_and_a_member() -> None:
    packaged = {"ObjectPool/_1/\x01Ole10Native": native(b"a.bat", b"start calc")}
    assert found(word(streams=packaged), DOC) == ["embedded_object"]
    assert members(word(streams=packaged), DOC) == [("a.bat", b"start calc")]


def _link(url: str) -> bytes:
    target = url.encode("utf-16-le") + b"\0\0"
    moniker = URL_MONIKER + struct.pack("<L", len(target)) + target
    return struct.pack("<6L", 0x02000001, 1, 1, 0, 0, 0) + struct.pack("<L", len(moniker)) + moniker


def test_a_linked_object_is_judged_by_what_it_leads_to() -> None:
    pool = {"ObjectPool/_1/\x01Ole": _link("http://example.org/a.hta")}
    assert found(word(streams=pool), DOC) == ["remote_template"]


def test_a_container_of_another_program_is_not_examined() -> None:
    assert found(compound({"Odd": b"x"}), OTHER) == ["unsupported"]
    assert found(compound({"Odd": b"x", **project(CODE)}), OTHER) == ["macros", "unsupported"]
