"""Workbooks before 2007: records as Excel writes them ([MS-XLS]), and what an attacker writes."""

import struct

import pytest

from tests.workers.inspection.parsers.compound_samples import compound, excel, linked_book, record, sheet
from tests.workers.inspection.parsers.moniker_samples import file, hyperlink, picture, url
from tests.workers.inspection.parsers.office_samples import XLS, found

ACTS, LINKS = ["active_formula"], ["external_link"]
EXEC, WEBSERVICE, CALL = b"\x42\1\x6e\0", "_xlfn.WEBSERVICE", b"\x22\1\x96\0"
BEGIN_5 = record(0x0809, struct.pack("<HHHH", 0x0500, 5, 0, 0))
PICTURE = picture("https://example.org/a.png")


def link(target: bytes | str, name: str = "", place: str = "") -> bytes:
    """HLINK (2.4.140): a range of cells, then the hyperlink."""
    return record(0x01B8, bytes(8) + hyperlink(target, name=name, place=place))


def external_name(name: str, *, wide: bool = False) -> bytes:
    text = name.encode("utf-16-le" if wide else "latin-1")
    return record(0x0023, bytes(6) + struct.pack("<BB", len(name), wide) + text)


def defined_name(name: str, tokens: bytes = b"", *, flags: int = 0, wide: bool = False) -> bytes:
    head = struct.pack("<HBBHHHBBBB", flags, 0, len(name), len(tokens), 0, 0, 0, 0, 0, 0)
    return record(0x0018, head + struct.pack("<B", wide) + name.encode("utf-16-le" if wide else "latin-1") + tokens)


def cell(tokens: bytes) -> bytes:
    return record(0x0006, bytes(20) + struct.pack("<H", len(tokens)) + tokens)


def source(path: str, before: bytes = bytes(6), kind: int = 0x0051) -> bytes:
    """DConRef: a range, and the workbook."""
    return record(kind, before + struct.pack("<HB", len(path), 1) + path.encode("utf-16-le"))


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ((link(url("https://example.org/a b.exe"), name="Example"),), []),
        ((link(url("mailto:a@example.org")), link("https://example.org/")), []),
        ((link(file("..\\b.xls", "..\\b.xls")),), LINKS),
        ((link("\\\\example.org\\share\\b.xls", name="b.xls", place="Sheet1!A1"),), ["unsafe_link"]),
        ((link(url("search-ms:query=a")),), ["unsafe_link"]),
        ((cell(b"\x1e\1\0"), record(0x0203, bytes(14))), []),
        ((cell(EXEC),), ACTS),
        ((cell(b"\x17\1"),), []),
        ((record(0x04BC, bytes(8) + b"\4\0" + EXEC),), ACTS),
        ((record(0x0221, bytes(12) + b"\4\0" + EXEC),), ACTS),
        ((record(0x0803, bytes(22) + b"\5\0" + bytes(4)),), ["external_data"]),
        ((record(0x0803, bytes(28)),), []),
        ((record(0x01AD, b"\0\0"),), LINKS),
        ((record(0x00EC, PICTURE),), ["external_reference"]),
        ((record(0x00EC, PICTURE[:30]), record(0x003C, PICTURE[30:])), ["external_reference"]),
        ((record(0x00EC, PICTURE[:30]), record(0x005D, b"x"), record(0x003C, PICTURE[30:])), []),
        ((record(0x0809, bytes(8)), record(0x000A), cell(EXEC)), ACTS),
        ((record(0x0809, struct.pack("<HH", 0x0600, 0x40)), record(0x000A)), ["macros"]),
    ],
    ids=str,
)
def test_what_the_records_of_a_sheet_do(records: tuple[bytes, ...], expected: list[str]) -> None:
    assert found(excel(sheet_records=records), XLS) == expected


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ((record(0x01AE, b"\1\0\1\4"), record(0x01AE, b"\1\0\1\x3a")), []),
        ((linked_book("\0"), linked_book("\x02"), linked_book("")), []),
        ((linked_book("\x01\x01Z\x03a b\x03c.xls"), linked_book("\x01\x04c.xls"), linked_book("c.xls")), LINKS),
        ((linked_book("\x01\x05\x0fms-msdt:/id a b"),), ["remote_template"]),
        ((linked_book("Excel\x03C:\\a.xls"), external_name("R1C1")), ACTS),
        ((record(0x01AE, struct.pack("<HHB", 1, 9, 0) + b"MSExcel\x03cut off"),), ACTS),
        ((external_name("SUM"), external_name("EUROCONVERT")), []),
        ((external_name(WEBSERVICE, wide=True),), ACTS),
        ((defined_name("Prices", b"\x1e\1\0"), defined_name("WEBSERVICE")), []),
        ((defined_name(WEBSERVICE), ), ACTS),
        ((defined_name(WEBSERVICE, wide=True),), ACTS),
        ((defined_name("a", CALL, wide=True),), ACTS),
        ((defined_name("\x01", flags=0x20),), ["macros"]),
        ((defined_name("\x06", flags=0x20), defined_name("\x01")), []),
        ((record(0x0018, bytes(9)),), []),
        ((record(0x0813, bytes(20)),), ACTS),
        ((source("\x02Sheet1"), source("\x01\x04b.xls")), LINKS),
        ((source("\x01\x01@example.org\x03share\x03b.xls"),), LINKS),
        ((source("\x01\x05\x10search-ms:a", struct.pack("<HB", 2, 1) + "ab".encode("utf-16-le"), 0x0052),),
         ["remote_template"]),
        ((source("\x01\x05\x10search-ms:a", bytes(4), 0x01B5),), ["remote_template"]),
        ((record(0x0876, bytes(6) + b"\x80\0"),), ["external_data"]),
        ((sheet(1)[:-1],), ["macros"]),
        ((record(0x0085, struct.pack("<IBBBB", 0, 2, 1, 1, 0) + b"A"),), ["macros"]),
        ((record(0x0085, b"\1\0\0\0"),), []),
        ((record(0x0085, struct.pack("<IBBBB", 1 << 30, 0, 0, 1, 0) + b"A"),), []),
        ((record(0x002F, bytes(6)), linked_book("cmd\x03/c calc")), ["encrypted"]),
        ((record(0x00EB, PICTURE[:9]), record(0x00EB, PICTURE[9:])), ["external_reference"]),
    ],
    ids=str,
)  # fmt: skip
def test_what_the_records_of_a_workbook_do(records: tuple[bytes, ...], expected: list[str]) -> None:
    assert found(excel(*records), XLS) == expected


EXTERNAL, SHEET = record(0x00E3, b"\2\0"), record(0x00E3, b"\1\0")
SHARE = source("\x01\x01@example.org\x03share\x03b.xls")
REFRESHES, WAITS = record(0x00C6, bytes(6) + b"\4\0"), record(0x00C6, bytes(8))


@pytest.mark.parametrize(
    ("records", "cache", "expected"),
    [
        ((EXTERNAL,), REFRESHES, ["external_data"]),
        ((EXTERNAL,), WAITS, []),
        ((EXTERNAL,), b"", []),
        ((SHEET,), REFRESHES, []),
        ((SHEET, source("\x02Data")), REFRESHES, []),
        ((SHEET, source("\x01\x04b.xls")), REFRESHES, LINKS),
        ((SHEET, SHARE), REFRESHES, ["external_data", "external_link"]),
        ((SHEET, SHARE), WAITS, LINKS),
    ],
)
@pytest.mark.parametrize("folder", ["_SX_DB_CUR", "_SX_DB"])
def test_a_pivot_table_that_refreshes_from_elsewhere_is_found(
    records: tuple[bytes, ...], cache: bytes, expected: list[str], folder: str
) -> None:
    assert found(excel(*records, streams={f"{folder}/0001": cache}), XLS) == expected


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ((record(0x0017, b"\6\3Sheet1"), record(0x0017, b"")), []),
        ((record(0x0017, b"\x07\1\4b.xls"),), LINKS),
        ((record(0x0017, b"\x06cmd\x03/c"),), ACTS),
        ((record(0x0018, struct.pack("<HBBH8x", 0x20, 0, 1, 0) + b"\1"),), ["macros"]),
        ((record(0x0085, struct.pack("<IH", 0, 0x0600)),), ["macros"]),
    ],
    ids=str,
)
def test_what_a_workbook_of_excel_5_does(records: tuple[bytes, ...], expected: list[str]) -> None:
    stream = BEGIN_5 + b"".join(records) + record(0x000A)
    assert found(compound({"Book": stream}), XLS) == expected
