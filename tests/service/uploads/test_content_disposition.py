"""The name of a download: never a path, and readable by old and new clients."""

import re
from email.message import Message
from urllib.parse import unquote

import pytest
from aiohttp.multipart import content_disposition_filename, parse_content_disposition
from hypothesis import example, given
from hypothesis import strategies as st

from service.uploads.content_disposition import attachment

FORM = re.compile(r"attachment; filename=\"([ -~]*)\"; filename\*=UTF-8''([A-Za-z0-9!#$&+^`|_.~%-]*)\Z")
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
# Text that some parser on the way could interpret.
NASTY = st.text(st.sampled_from("\"'\\/;=,%*\r\n\t\0 .:?&#<>ab\u202e\u200f\u0644\u65e5\U0001f600\xe9\xad"))


@pytest.mark.parametrize(
    ("name", "plain", "true"),
    [
        ("photo.png", "photo.png", "photo.png"),
        ("r\u00e9sum\u00e9 2.pdf", "r_sum_ 2.pdf", "r\u00e9sum\u00e9 2.pdf"),
        ("../../etc/passwd", ".._.._etc_passwd", ".._.._etc_passwd"),
        ("..\\a", ".._a", ".._a"),
        ('a"b%41.png', "a_b_41.png", 'a"b%41.png'),
        ("\u202egnp.exe", "_gnp.exe", "_gnp.exe"),
        ("a;b='c'.png", "a_b='c'.png", "a;b='c'.png"),
        ("a\r\nSet-Cookie: b", "a__Set-Cookie: b", "a__Set-Cookie: b"),
        ('"; filename="evil.html', "__ filename=_evil.html", '"; filename="evil.html'),
        ("\u65e5\u672c\u8a9e.svg", "___.svg", "\u65e5\u672c\u8a9e.svg"),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "________",
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        ),
        ("invoice\u200b.pdf", "invoice_.pdf", "invoice_.pdf"),
        ("x" * 255, "x" * 255, "x" * 255),
        ("", "", ""),
    ],
)
def test_a_name_is_sent_in_both_forms(name: str, plain: str, true: str) -> None:
    found = FORM.match(attachment(name))
    assert found
    assert (found[1], unquote(found[2])) == (plain, true)


@given(st.text() | NASTY)
@example('a=b"; inline; filename=evil.html')
def test_no_name_breaks_the_header(name: str) -> None:
    found = FORM.match(attachment(name))
    assert found
    assert '"' not in found[1]
    assert not re.search(r"[/\\]", unquote(found[2]))
    assert not UNSEEN.search(unquote(found[2]))


@given(st.text() | NASTY)
def test_other_parsers_read_one_attachment_and_the_name(name: str) -> None:
    header = attachment(name)
    kind, parameters = parse_content_disposition(header)
    assert (kind, set(parameters)) == ("attachment", {"filename", "filename*"})
    true = content_disposition_filename(parameters)
    assert true == unquote(header.rpartition("''")[2])
    if name.isascii() and name.isprintable() and not re.search(r"[/\\]", name):
        assert true == name
    message = Message()
    message["Content-Disposition"] = header
    assert message.get_content_disposition() == "attachment"


@given(st.text() | NASTY)
def test_a_parser_that_heeds_no_quotes_reads_the_same_parts(name: str) -> None:
    first, *rest = (part.strip() for part in attachment(name).split(";"))
    assert first == "attachment"
    assert [part.partition("=")[0] for part in rest] == ["filename", "filename*"]
