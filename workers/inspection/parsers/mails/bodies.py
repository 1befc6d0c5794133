"""The texts of a message: what they do in a mail program, and what is hidden in them."""

import io
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from html.parser import HTMLParser

from workers.inspection.parsers import markup, office
from workers.inspection.parsers.documents.references import is_network_share
from workers.inspection.parsers.markups.css import css_addresses
from workers.inspection.parsers.markups.references import EXTERNAL, effect_of
from workers.inspection.parsers.port import Output
from workers.inspection.readings import Reading

_URL = re.compile(r"url\(\s*[\"']?([^\"')]*)", re.IGNORECASE)
_WEB_PICTURE = re.compile(rb"\bINCLUDEPICTURE(?=\s+\"?https?://)")
_SHOWN_ONLY = frozenset({"alt", "title", "value", "content", "summary", "label"})
_CLICKED = frozenset({"a", "area"})
# What a reader that is a browser loads and shows without asking, by the attribute that has the address.
_FRAMES = {"iframe": "src", "frame": "src", "embed": "src", "object": "data", "portal": "src"}
_REFRESH = re.compile(r"[\s\d.]*[\s;,]*(?:url\s*=\s*)?[\"']?(.*)", re.DOTALL | re.IGNORECASE)
# What `markup` reports, and what it is in a message. Mail programs ask before they load a picture, and read HTML that
# is not well-formed as browsers do.
_CODES = {"event_handler": "script", "external_reference": "", "malformed": "", "irregular": ""}


def decode_text(content: bytes, charset: str) -> str:
    """In `charset`; what is unknown or wrong is replaced, as all programs do."""
    for name in (charset, "utf-8"):
        try:
            return content.decode(name)
        except (LookupError, ValueError):
            continue
    try:
        return content.decode(charset, "replace")
    except (LookupError, ValueError):
        return content.decode("latin-1")


def examine_html(text: str, limits: Mapping[str, int], output: Output) -> None:
    """Codes: those of the examiner `markup` that hold for messages too, and external_reference for what is loaded from
    a network share, and for frames, objects and pages from elsewhere.
    """
    data = b"\xef\xbb\xbf" + text.removeprefix("\ufeff").encode("utf-8", "replace")
    _markup(data, limits, _MailOutput(output))
    shares = _Shares()
    shares.feed(text)
    shares.close()
    if shares.has_frame:
        output.finding("external_reference", "The message shows or opens a page from elsewhere.")
    if shares.found:
        output.finding("external_reference", "The message loads something from a network share when it is shown.")


def _markup(data: bytes, limits: Mapping[str, int], output: Output) -> None:
    markup.examine(
        io.BytesIO(data), len(data), Reading("text/html", claimed=True), {**markup.DEFAULTS, **limits}, output
    )


class _MailOutput(Output):
    """Passes on what acts in a mail program."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def finding(self, code: str, message: str) -> None:
        if _CODES.get(code, code) and markup.SERVER_CODE not in message:
            self._output.finding(_CODES.get(code, code), message)

    def member(self, name: str) -> AbstractContextManager[Callable[[bytes], None]]:
        return self._output.member(name)


class _Shares(HTMLParser):
    """Whether anything is loaded from a network share, also in the comments that only Outlook reads."""

    def __init__(self, *, in_comment: bool = False) -> None:
        super().__init__()
        self.found = False
        self.has_frame = False
        self._in_comment = in_comment

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._frame(tag, dict(attrs))
        for name, value in attrs:
            if not value or name in _SHOWN_ONLY or (tag in _CLICKED and name == "href"):
                continue
            self._see(value)
            if name == "style":
                self._css(value)

    def _frame(self, tag: str, given: Mapping[str, str | None]) -> None:
        address = given.get(_FRAMES.get(tag, "")) or ""
        if tag == "meta" and (given.get("http-equiv") or "").strip().lower() == "refresh":
            found = _REFRESH.match(given.get("content") or "")
            address = found[1] if found else ""
        self.has_frame = self.has_frame or effect_of(address) == EXTERNAL

    def handle_data(self, data: str) -> None:
        if self.lasttag == "style":
            self._css(data)

    def _css(self, css: str) -> None:
        for address in (*_URL.findall(css), *css_addresses(css)):
            self._see(address)

    def handle_comment(self, data: str) -> None:
        if not self._in_comment and data.lstrip().startswith("["):
            inner = _Shares(in_comment=True)
            inner.feed(data.partition(">")[2])
            inner.close()
            self.found = self.found or inner.found
            self.has_frame = self.has_frame or inner.has_frame

    def _see(self, address: str) -> None:
        """`//host/x` is an address of the web, whatever else it may be in a document."""
        plain = address.strip().lower()
        self.found = self.found or (plain.startswith(("file:", "\\", "/\\")) and is_network_share(plain))


def examine_rich_text(content: bytes, limits: Mapping[str, int], output: Output) -> None:
    """Codes: those of the examiner `office` for RTF. A picture on the web is a link, as it is in HTML."""
    content = _WEB_PICTURE.sub(b"HYPERLINK", content)
    office.examine(io.BytesIO(content), len(content), Reading("application/rtf"), {**office.DEFAULTS, **limits}, output)
