"""Origins are read in one way, and one page is let in by all who ask."""

import pytest

from airlock.origins import Origins, distinct, normal


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("https://app.example.com/", "https://app.example.com"),
        ("HTTPS://App.Example.COM:443", "https://app.example.com"),
        ("http://localhost:80/", "http://localhost"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("chrome-extension://abcdefghij", "chrome-extension://abcdefghij"),
        ("https://*.preview.example.com/", "https://*.preview.example.com"),
        ("https://pr-*--site.example.app", "https://pr-*--site.example.app"),
        ("http://localhost:*", "http://localhost:*"),
        ("*", "*"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(text: str, origin: str) -> None:
    assert normal(text) == origin
    assert normal(origin) == origin


@pytest.mark.parametrize(
    "text",
    [
        "app.example.com",
        "https://",
        "https://a.example/path",
        "https://a.example//",
        "https://a.example?x",
        "https://user@a.example",
        "https://a.example:port",
        "https://a.example:*",
        "https://*",
        "https://*.com",
        "https://a.*.example.com",
        "https://*.*.example.com",
        "http*://a.example",
        "https://bücher.example",
        "https://a..example",
        "file://host",
        "null",
        "https://a.example, https://b.example",
    ],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must|may|have no origin"):
        normal(text)


@pytest.mark.parametrize(
    ("pattern", "origin", "allowed"),
    [
        ("https://a.example", "https://a.example", True),
        ("https://a.example", "http://a.example", False),
        ("https://a.example", "https://a.example.evil.example", False),
        ("https://*.a.example", "https://pr-7.a.example", True),
        ("https://*.a.example", "https://a.example", False),
        ("https://*.a.example", "https://x.y.a.example", False),
        ("https://*.a.example", "https://evil.example/.a.example", False),
        ("https://pr-*.a.example", "https://pr-7.a.example", True),
        ("https://pr-*.a.example", "https://pr-.a.example", False),
        ("http://localhost:*", "http://localhost:5173", True),
        ("http://localhost:*", "http://localhost:5173.evil.example", False),
        ("capacitor://localhost", "capacitor://localhost", True),
        ("*", "https://any.example", True),
        ("https://a.example", "null", False),
        ("https://a.example", "", False),
    ],
)
def test_a_page_is_let_in_by_its_origin(pattern: str, origin: str, allowed: bool) -> None:
    assert Origins([pattern]).allows(origin) is allowed


def test_any_origin_stands_alone_and_none_stands_twice() -> None:
    assert distinct(["https://a.example", "https://a.example"]) == ["https://a.example"]
    with pytest.raises(ValueError, match="alone"):
        distinct(["*", "https://a.example"])


def test_without_patterns_nobody_is_let_in() -> None:
    assert not Origins([])
    assert not Origins([]).allows("https://a.example")
