"""Parts of xlsb: records with a number and a length of seven bits a byte."""

import struct

import pytest

from tests.workers.inspection.parsers.office_samples import found, open_xml

XLSB = "application/vnd.ms-excel.sheet.binary.macroenabled.12"
EXEC = b"\x42\1\x6e\0"
PART = "application/vnd.ms-excel.worksheet"


def _varying(number: int) -> bytes:
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80, number >> 7])


def _record(kind: int, body: bytes) -> bytes:
    return _varying(kind) + _varying(len(body)) + body


def _text(text: str) -> bytes:
    return struct.pack("<L", len(text)) + text.encode("utf-16-le")


def _cell(tokens: bytes) -> bytes:
    return _record(9, bytes(18) + struct.pack("<L", len(tokens)) + tokens)


def _string(text: str) -> bytes:
    return struct.pack("<BH", 0x17, len(text)) + text.encode("utf-16-le")


def _book(*records: bytes) -> bytes:
    return open_xml(main="xl/workbook.xml", types={"xl/a.bin": PART}, parts={"xl/a.bin": b"".join(records)})


def _formula(kind: int, before: bytes) -> bytes:
    return _record(kind, before + struct.pack("<L", len(EXEC)) + EXEC)


def _long(kind: int, body: bytes) -> bytes:
    """A record whose length has two bytes."""
    return _varying(kind) + bytes([len(body) & 0x7F | 0x80, len(body) >> 7]) + body


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([_record(131, b""), _cell(_string("a") + b"\x42\1\4\0")], []),
        ([_record(360, b"\0\0")], []),
        ([_record(360, b"\1\0")], ["active_formula"]),
        ([_record(360, b"\2\0")], ["active_formula"]),
        ([_cell(_string("a") + b"\x42\3\x7b\1")], ["active_formula"]),
        ([_cell(_string("ms-msdt:a") + b"\x42\1\x67\1")], ["unsafe_link"]),
        ([_cell(_string("\\\\example.org\\a b.xls") + b"\x42\1\x67\1")], ["unsafe_link"]),
        ([_record(39, bytes(9) + _text("_xlfn.WEBSERVICE") + bytes(4))], ["active_formula"]),
        ([_record(39, bytes(9) + _text("_xlnm.Auto_Open") + bytes(4))], ["macros"]),
        ([_record(201, bytes(6) + struct.pack("<L", 0x20))], ["external_data"]),
        ([_record(201, bytes(10))], ["external_link"]),
        ([_record(447, b"\x20\0\0\0")], ["external_data"]),
        ([_record(179, b"\0\0\0\4"), _record(185, b"\1\0\0\0")], ["external_data"]),
        ([_record(179, b"\0\0\0\4"), _record(185, bytes(4))], []),
        ([_record(179, b"\0\0\0\4")[:-1]], ["malformed"]),
        ([b"\x09"], ["malformed"]),
        ([b"\x09\xff\xff\xff\xff"], ["malformed"]),
        ([_formula(8, bytes(8) + _text("shown") + bytes(2))], ["active_formula"]),
        ([_formula(10, bytes(11)), _formula(11, bytes(11))], ["active_formula"]),
        ([_formula(426, bytes(17)), _formula(427, bytes(16))], ["active_formula"]),
        ([_formula(9, bytes(18))[:2] + b"\xff" + _formula(9, bytes(18))[2:]], ["malformed"]),
        ([_record(9, bytes(18) + b"\x0e\0\0\0" + b"\x18\x19" + bytes(12) + b"\x42\3\x7b\1")], []),
        ([_record(201, bytes(4) + struct.pack("<HL", 60, 0))], ["external_data"]),
        ([_record(201, bytes(4))], []),
        ([_record(447, bytes(4)), _record(39, bytes(9) + _text("Prices") + bytes(4))], []),
        ([_long(9, bytes(18) + struct.pack("<L", 4) + EXEC + bytes(200))], ["active_formula"]),
    ],
)
def test_what_the_records_do(records: list[bytes], expected: list[str]) -> None:
    assert found(_book(*records), XLSB) == expected
