"""The parser `markup`: SVG, HTML, XHTML and XML, which browsers and servers do not merely show.

What is XML is read as such. What is HTML, what is no well-formed XML although it says so, and what keeps tags where
HTML would find them and XML does not, is read leniently as well. Links that somebody has to follow are no objection.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import BinaryIO

from workers.inspection.parsers.markups.findings import MarkupFindings
from workers.inspection.parsers.markups.language import MarkupLanguage, byte_order_mark, encoding, markup_language
from workers.inspection.parsers.markups.tag_soup import scan
from workers.inspection.parsers.markups.xml_document import Error, XmlDocument
from workers.inspection.parsers.port import Exceeded, Output

_MIB = 1024 * 1024

MODULES: Sequence[str] = ()
DEFAULTS: Mapping[str, int] = MappingProxyType(
    {"markup_bytes": 64 * _MIB, "markup_depth": 1000, "markup_nodes": 5_000_000}
)

_HEAD = 4096
_RUNS = ("script", "event_handler")


def recognises(head: bytes) -> bool:
    """Whether an object that begins so begins as markup does; a text that only speaks of tags does not."""
    return markup_language(head) is not None


def examine(file: BinaryIO, size: int, limits: Mapping[str, int], output: Output) -> None:
    """Find what runs and what is loaded from elsewhere. Raises Exceeded above a limit."""
    what = markup_language(_beginning(file))
    if what is None:
        return
    if size > limits["markup_bytes"]:
        raise Exceeded(f"{size} bytes of text are more than the {limits['markup_bytes']} that are looked at")
    file.seek(0)
    found = MarkupFindings()
    try:
        _look(file.read(), what, limits, found)
    finally:
        found.report(output)


def _beginning(file: BinaryIO) -> bytes:
    """The first block that is not all white space (any amount of it may come before a tag), with the mark before it."""
    file.seek(0)
    head = file.read(_HEAD)
    marked = byte_order_mark(head)
    while head and not head.removeprefix(marked).strip(b"\t\n\f\r \0"):
        head = file.read(_HEAD)
    return head if head.startswith(marked) else marked + head


def _look(body: bytes, what: MarkupLanguage, limits: Mapping[str, int], found: MarkupFindings) -> None:
    name = encoding(body, xml=what is not MarkupLanguage.HTML)
    text, error = _decoded(body.removeprefix(byte_order_mark(body)), name)
    if what is MarkupLanguage.FRAGMENT:
        found.merge(scan(text), _RUNS)
        return
    document = XmlDocument(limits)
    try:
        error = error or document.read(text)
    finally:
        if what is not MarkupLanguage.ELEMENT or not error:
            found.merge(document.findings)
    if what is MarkupLanguage.XML and error:
        found.add("malformed", *error)
    if what is MarkupLanguage.HTML or (what is MarkupLanguage.XML and (error or document.stopped)):
        found.merge(scan(text))
    elif document.active and document.hides_tags:
        found.merge(scan(text), _RUNS)


def _decoded(body: bytes, name: str | None) -> tuple[str, Error | None]:
    """The text, as far as it is one, and what is wrong with how it is written."""
    if name is None:
        return body.decode("latin-1"), ("it is written in a way that is not known", 1)
    try:
        return body.decode(name), None
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        return body.decode(name, "replace"), (f"it is not {name} as it says", line)
