"""The name of a download: a name, never a path, and readable by old and new clients."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.disposition import attachment

FORM = re.compile(r"attachment; filename=\"([ -~]*)\"; filename\*=UTF-8''([A-Za-z0-9!#$&+^`|_.~%-]*)\Z")


@pytest.mark.parametrize(
    ("name", "plain", "true"),
    [
        ("photo.png", "photo.png", "photo.png"),
        ("r\u00e9sum\u00e9 2.pdf", "r_sum_ 2.pdf", "r\u00e9sum\u00e9 2.pdf"),
        ("../../etc/passwd", ".._.._etc_passwd", ".._.._etc_passwd"),
        ("..\\a", ".._a", ".._a"),
        ('a"b%41.png', "a_b_41.png", 'a"b%41.png'),
        ("\u202egnp.exe", "_gnp.exe", "_gnp.exe"),
        ("a;b='c'.png", "a;b='c'.png", "a;b='c'.png"),
    ],
)
def test_a_name_is_told_twice(name: str, plain: str, true: str) -> None:
    found = FORM.match(attachment(name))
    assert found
    assert (found[1], unquote(found[2])) == (plain, true)


@given(st.text())
def test_no_name_breaks_the_header(name: str) -> None:
    found = FORM.match(attachment(name))
    assert found
    assert '"' not in found[1]
    assert not re.search(r"[/\\\r\n]", unquote(found[2]))
