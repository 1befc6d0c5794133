"""The parser `markup`: SVG, HTML, XHTML and XML, whose scripts and references browsers and servers follow.

XML is read by XML's rules. HTML, text that claims to be XML and is not well-formed, and XML with tags in comments or
CDATA sections, are also read as leniently as browsers may read them (`tag_soup`). A link that a person has to follow is
no finding.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import BinaryIO

from workers.inspection.parsers.markups.findings import MarkupFindings
from workers.inspection.parsers.markups.language import MarkupLanguage, byte_order_mark, encoding, markup_language
from workers.inspection.parsers.markups.tag_soup import read_leniently
from workers.inspection.parsers.markups.xml_document import Error, XmlDocument
from workers.inspection.parsers.port import LimitExceeded, Output

_MIB = 1024 * 1024

MODULES: Sequence[str] = ()
DEFAULTS: Mapping[str, int] = MappingProxyType(
    {"markup_bytes": 64 * _MIB, "markup_depth": 1000, "markup_nodes": 5_000_000}
)

_HEAD = 4096
_RUNS = ("script", "event_handler")


def recognises(head: bytes) -> bool:
    """Whether an object that begins with `head` is markup. A text that only mentions tags is not."""
    return markup_language(head) is not None


def examine(file: BinaryIO, size: int, limits: Mapping[str, int], output: Output) -> None:
    """Codes: script, event_handler, foreign_object, external_reference, entity_expansion, malformed.

    Raises LimitExceeded above a limit, after the findings until then were reported.
    """
    language = markup_language(_first_block(file))
    if language is None:
        return
    if size > limits["markup_bytes"]:
        raise LimitExceeded(f"The text has {size} bytes; the limit is {limits['markup_bytes']} (markup_bytes).")
    file.seek(0)
    findings = MarkupFindings()
    try:
        _examine(file.read(), language, limits, findings)
    finally:
        findings.report(output)


def _first_block(file: BinaryIO) -> bytes:
    """The first block that is not all white space, of which any amount may come first; a byte order mark is kept."""
    file.seek(0)
    head = file.read(_HEAD)
    mark = byte_order_mark(head)
    while head and not head.removeprefix(mark).strip(b"\t\n\f\r \0"):
        head = file.read(_HEAD)
    return head if head.startswith(mark) else mark + head


def _examine(body: bytes, language: MarkupLanguage, limits: Mapping[str, int], findings: MarkupFindings) -> None:
    name = encoding(body, xml=language is not MarkupLanguage.HTML)
    text, error = _decoded(body.removeprefix(byte_order_mark(body)), name)
    if language is MarkupLanguage.FRAGMENT:
        findings.merge(read_leniently(text), _RUNS)
        return
    document = XmlDocument(limits)
    try:
        error = error or document.read(text)
    finally:
        if language is not MarkupLanguage.ELEMENT or not error:
            findings.merge(document.findings)
    if language is MarkupLanguage.XML and error:
        findings.add("malformed", *error)
    if language is MarkupLanguage.HTML or (language is MarkupLanguage.XML and (error or document.stopped)):
        findings.merge(read_leniently(text))
    elif document.active and document.hides_tags:
        findings.merge(read_leniently(text), _RUNS)


def _decoded(body: bytes, name: str | None) -> tuple[str, Error | None]:
    """The text in the encoding `name`, with replacements for invalid bytes, and the error that they are."""
    if name is None:
        return body.decode("latin-1"), ("an unknown encoding", 1)
    try:
        return body.decode(name), None
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        return body.decode(name, "replace"), (f"bytes that are not {name}", line)
