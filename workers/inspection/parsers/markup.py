"""The examiner `markup`: SVG, HTML, XHTML and XML, whose scripts and references browsers and servers follow.

XML is read by XML's rules. HTML, text that claims to be XML and is not well-formed, and XML with tags in comments or
CDATA sections, are also read as leniently as browsers may read them (`tag_soup`). A link that a person has to follow is
no finding. Pages in frames, and SVG in addresses, are examined as well.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import BinaryIO

from workers.inspection.identification.markup_language import byte_order_mark, encoding, with_escapes
from workers.inspection.parsers.markups.elements import ElementRules
from workers.inspection.parsers.markups.findings import Inner, MarkupFindings
from workers.inspection.parsers.markups.office_pages import examine_office_page
from workers.inspection.parsers.markups.tag_soup import read_leniently
from workers.inspection.parsers.markups.xml_document import Error, XmlDocument
from workers.inspection.parsers.port import LimitExceeded, Output
from workers.inspection.readings import Reading

_MIB = 1024 * 1024

MODULES: Sequence[str] = ("tinycss2",)
DEFAULTS: Mapping[str, int] = MappingProxyType(
    {"markup_bytes": 64 * _MIB, "markup_depth": 1000, "markup_nodes": 5_000_000}
)

HTML, SVG, XML = "text/html", "image/svg+xml", "application/xml"
SERVER_CODE = "code that a server runs"
"""What a finding says of code that acts in a file that a web server delivers, and nowhere else."""
_RUNS = ("script", "event_handler")
# What does not count in a picture or a page inside: no program but a browser opens it, and that shows what it can.
_TOLERATED_INSIDE = ("malformed", "irregular", "unsupported")
_DEEPEST = 10
# What servers run in pages and drawings before they send them: PHP, ASP and JSP, and server-side includes.
_ON_SERVERS = re.compile(
    r"<\?(?:php\b|=)|<%@?\s*(?:page|language|eval|execute)\b|<!--\s*#\s*(?:exec|include|echo)\b", re.IGNORECASE
)


def examine(file: BinaryIO, size: int, reading: Reading, limits: Mapping[str, int], output: Output) -> None:
    """Examine one text (see `workers.inspection.parsers.port.Examiner`).

    Raises LimitExceeded above a limit, after the findings until then were reported.
    """
    if size > limits["markup_bytes"]:
        raise LimitExceeded(f"The text has {size} bytes; the limit is {limits['markup_bytes']} (markup_bytes).")
    file.seek(0)
    findings = MarkupFindings()
    try:
        _examine(file.read(), reading.media_type, limits, findings)
        _examine_inner(findings, limits)
    finally:
        findings.report(output)


def examine_stylesheet(body: bytes, output: Output) -> None:
    """Examine CSS that is a file of its own by the rules for what is in a style element.

    Raises LimitExceeded above a limit, after the findings until then were reported.
    """
    from tinycss2.bytes import decode_stylesheet_bytes  # type: ignore[import-untyped]  # it has no types

    findings = MarkupFindings()
    ElementRules(findings).css(decode_stylesheet_bytes(body)[0], None)
    try:
        _examine_inner(findings, DEFAULTS)
    finally:
        findings.report(output)


def _examine(body: bytes, media_type: str, limits: Mapping[str, int], findings: MarkupFindings) -> None:
    is_html = media_type == HTML
    text, error = _decoded(body.removeprefix(byte_order_mark(body)), encoding(body, xml=not is_html))
    # HTML may be XHTML too, of which a browser sees more by XML's rules.
    document = XmlDocument(limits)
    try:
        error = error or document.read(text.lstrip() if is_html else text)
    finally:
        if not is_html or not error:
            findings.merge(document.findings)
    if error and not is_html:
        findings.add("irregular" if document.is_piece and media_type == XML else "malformed", *error)
    if is_html or error or document.stopped:
        findings.merge(read_leniently(text))
    elif document.active and document.hides_tags:
        findings.merge(read_leniently(text), _RUNS)
    if is_html:
        _examine_page(body, text, findings)
    if (is_html or document.active) and (code := _ON_SERVERS.search(text)):
        findings.add("script", SERVER_CODE, text.count("\n", 0, code.start()) + 1)


def _examine_page(body: bytes, text: str, findings: MarkupFindings) -> None:
    """What else programs may see in HTML: Word and Excel, and a browser that guesses an encoding by its escapes."""
    examine_office_page(text, findings)
    for each in with_escapes(body):
        findings.merge(read_leniently(each))


def _examine_inner(findings: MarkupFindings, limits: Mapping[str, int]) -> None:
    """Examine the pages and pictures inside, and those inside them."""
    waiting: dict[Inner, None] = dict(findings.inner)
    for _ in range(_DEEPEST):
        below: dict[Inner, None] = {}
        for each in waiting:
            inner = MarkupFindings()
            _examine(each.content, HTML if each.is_html else SVG, limits, inner)
            findings.merge_inner(inner, _TOLERATED_INSIDE)
            below.update(inner.inner)
        waiting = below
    if waiting:
        raise LimitExceeded(f"Pages or pictures are nested more than {_DEEPEST} deep in one another.")


def _decoded(body: bytes, name: str | None) -> tuple[str, Error | None]:
    """The text in the encoding `name`, with replacements for invalid bytes, and the error that they are."""
    if name is None:
        return body.decode("latin-1"), ("an unknown encoding", 1)
    try:
        return body.decode(name), None
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        return body.decode(name, "replace"), (f"bytes that are not {name}", line)
