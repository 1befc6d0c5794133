"""Expressions of Excel's binary formats: what a HYPERLINK leads to, however its address is put together."""

import struct

import pytest

from workers.inspection.parsers.documents.ole.expressions import Called, called

CELL, TABLE = b"\x44" + bytes(4), b"\x18\x19" + bytes(12)
WIDE_CELL = b"\x44" + bytes(6)
JOIN, SPACE, PARENTHESIS, IF = b"\x08", b"\x19\x40\0\1", b"\x15", b"\x42\3\1\0"
UNC = "\\\\example.org\\share\\My files\\a.xls"


def text(value: str) -> bytes:
    return struct.pack("<BBB", 0x17, len(value), 1) + value.encode("utf-16-le")


def wide(value: str) -> bytes:
    return struct.pack("<BH", 0x17, len(value)) + value.encode("utf-16-le")


def link(arguments: int) -> bytes:
    return struct.pack("<BBH", 0x42, arguments, 359)


@pytest.mark.parametrize(
    ("tokens", "addresses"),
    [
        (text(UNC) + link(1), (UNC,)),
        (text(UNC) + text("name") + link(2), (UNC,)),
        (b"\x17\x09\0" + b"\\\\srv\\a.x" + CELL + link(2), ("\\\\srv\\a.x",)),
        (text("..\\a.xls") + text("setup: b") + link(2), ("..\\a.xls",)),
        (text("ms-") + text("msdt:/id x") + JOIN + text("n") + link(2), ("ms-msdt:/id x",)),
        (text("htt") + SPACE + text("ps://a") + PARENTHESIS + JOIN + text("/b") + JOIN + link(1), ("https://a/b",)),
        (text("\\\\") + CELL + JOIN + link(1), ("\\\\",)),
        (text("https://example.org/") + CELL + JOIN + text("ms-msdt:x") + link(2), ("https://example.org/",)),
        (CELL + text("ms-msdt:/id x") + text("y") + IF + text("name") + link(2), ("ms-msdt:/id x",)),
        (CELL + text("\\\\srv\\a") + text("Note: see below") + IF + CELL + link(2), ("\\\\srv\\a",)),
        (text("ms-msdt:a") + CELL, ()),
        (CELL + link(1), ()),
        (CELL + CELL + link(2), ()),
    ],
    ids=str,
)
def test_what_a_hyperlink_leads_to(tokens: bytes, addresses: tuple[str, ...]) -> None:
    assert called(tokens) == Called(addresses=addresses)


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (wide(UNC) + WIDE_CELL + link(2), Called(addresses=(UNC,))),
        (TABLE + wide(UNC) + link(1), Called(addresses=(UNC,))),
        (b"\x18\x1d" + bytes(4) + wide(UNC) + link(1), Called(addresses=(UNC,))),
        (TABLE + b"\x42\2\x7b\1", Called(acts=True)),
    ],
    ids=str,
)
def test_tables_and_cells_of_xlsb_do_not_hide_what_follows(tokens: bytes, expected: Called) -> None:
    assert called(tokens, wide=True) == expected


@pytest.mark.parametrize(
    ("tokens", "acts"),
    [
        (b"\x41\xb0\0", True),  # REQUEST
        (b"\x19\4\1\0" + bytes(4) + b"\x42\1\x6e\0", True),  # EXEC behind the jumps of a CHOOSE
        (b"\x3f" + bytes(3) + b"\x22\1\x96\0", True),  # CALL behind a token that is not known
        (b"\x3f" + bytes(3) + b"\x22\1\4\0", False),
        (text("EXEC") + b"\x42\1\4\0", False),
        (b"\x17", False),
        (b"\x42", False),
        (b"\x19", False),
        (b"", False),
    ],
    ids=str,
)
def test_functions_that_act_are_found_and_others_are_not(tokens: bytes, acts: bool) -> None:
    assert called(tokens).acts is acts
