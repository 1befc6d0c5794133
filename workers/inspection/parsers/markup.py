"""The parser `markup`: SVG, HTML, XHTML and XML, which browsers and servers do not merely show.

What is XML is read as such. What is HTML, what is no well-formed XML although it says so, and what keeps tags where
HTML would find them and XML does not, is read leniently as well. Links that somebody has to follow are no objection.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import BinaryIO

from workers.inspection.parsers.markups.beginning import Kind, encoding, kind, mark
from workers.inspection.parsers.markups.document import Document, Error
from workers.inspection.parsers.markups.objections import Objections
from workers.inspection.parsers.markups.tags import scan
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
    return kind(head) is not None


def examine(file: BinaryIO, size: int, limits: Mapping[str, int], output: Output) -> None:
    """Find what runs and what is loaded from elsewhere. Raises Exceeded above a limit."""
    what = kind(_beginning(file))
    if what is None:
        return
    if size > limits["markup_bytes"]:
        raise Exceeded(f"{size} bytes of text are more than the {limits['markup_bytes']} that are looked at")
    file.seek(0)
    found = Objections()
    try:
        _look(file.read(), what, limits, found)
    finally:
        found.tell(output)


def _beginning(file: BinaryIO) -> bytes:
    """The first block that is not all white space (any amount of it may come before a tag), with the mark before it."""
    file.seek(0)
    head = file.read(_HEAD)
    marked = mark(head)
    while head and not head.removeprefix(marked).strip(b"\t\n\f\r \0"):
        head = file.read(_HEAD)
    return head if head.startswith(marked) else marked + head


def _look(body: bytes, what: Kind, limits: Mapping[str, int], found: Objections) -> None:
    name = encoding(body, xml=what is not Kind.HTML)
    text, error = _decoded(body.removeprefix(mark(body)), name)
    if what is Kind.FRAGMENT:
        found.join(scan(text), _RUNS)
        return
    document = Document(limits)
    try:
        error = error or document.read(text)
    finally:
        if what is not Kind.ELEMENT or not error:
            found.join(document.objections)
    if what is Kind.XML and error:
        found.add("malformed", *error)
    if what is Kind.HTML or (what is Kind.XML and (error or document.stopped)):
        found.join(scan(text))
    elif document.active and document.hides_tags:
        found.join(scan(text), _RUNS)


def _decoded(body: bytes, name: str | None) -> tuple[str, Error | None]:
    """The text, as far as it is one, and what is wrong with how it is written."""
    if name is None:
        return body.decode("latin-1"), ("it is written in a way that is not known", 1)
    try:
        return body.decode(name), None
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        return body.decode(name, "replace"), (f"it is not {name} as it says", line)
