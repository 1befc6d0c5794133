"""Reads a text as leniently as any browser may.

XML, HTML, and SVG inside HTML have different rules for where comments, CDATA sections and scripts begin and end. So
they are ignored here: each `<` before a letter begins a tag. A tag that is only quoted is therefore a finding too.
"""

import html
import re
from collections.abc import Callable, Iterator

from workers.inspection.parsers.markups.elements import ElementRules
from workers.inspection.parsers.markups.findings import MarkupFindings
from workers.inspection.parsers.markups.references import EXTERNAL, FOREIGN, stylesheet
from workers.inspection.parsers.port import LimitExceeded

# https://html.spec.whatwg.org/multipage/parsing.html#tag-open-state; white space is as defined there, not Unicode's.
_TAG = re.compile(r"<([A-Za-z][^\t\n\f\r />]{0,64})")
_ATTRIBUTE = re.compile(
    r"""[\t\n\f\r /]*(=?[^\t\n\f\r />=]*)[\t\n\f\r ]*"""
    r"""(?:=[\t\n\f\r ]*(?:"([^"]*)"|'([^']*)'|([^\t\n\f\r >]*)))?"""
)
_STYLESHEET = re.compile(r"<\?xml-stylesheet\s([^>]*)")
_ENTITY = re.compile(r"<!ENTITY\s+(?:%\s*)?[^\s\"'>]+\s+(?:(SYSTEM|PUBLIC)\b|\"([^\"]*)\"|'([^']*)')")
_XML_ATTRIBUTES = frozenset({"xlink:href", "xml:base"})
# A browser reads each byte about once. Here, a tag inside an attribute of another tag is read again for each of them,
# so the work is limited to so many times the length of the text.
_WORK = 20
_LEAST_WORK = 1_000_000


def read_leniently(text: str) -> MarkupFindings:
    """All that a browser may find in `text`. Raises LimitExceeded where that takes too much work."""
    findings = MarkupFindings()
    rules = ElementRules(findings)
    work = _WORK * len(text) + _LEAST_WORK
    for tag in _TAG.finditer(text):
        attributes = []
        for attribute, value, cost in _attributes(text, tag.end()):
            work -= cost
            if work < 0:
                raise LimitExceeded("The text can be read in too many ways to test them all.")
            attributes.append((attribute, value))
        name = tag[1].lower()
        if name == "xi:include":
            findings.add(EXTERNAL, "an inclusion", _line(text, tag.start()))
        elif name.endswith("foreignobject"):
            findings.add(FOREIGN, "a foreignObject element", _line(text, tag.start()))
        rules.check(name.rpartition(":")[2], attributes, _line(text, tag.start()))
    _styles(text, rules)
    _declarations(text, findings)
    return findings


def _attributes(text: str, offset: int) -> Iterator[tuple[str, str, int]]:
    """The name and value of each attribute, and the work that it took."""
    while (found := _ATTRIBUTE.match(text, offset)) and found.end() > offset:
        cost = _WORK - 4 + found.end() - offset
        offset = found.end()
        value = found[2] or found[3] or found[4] or ""
        name = found[1].lower()
        if "&" in value:
            value = html.unescape(value)
        if name in _XML_ATTRIBUTES or name.endswith(":href"):
            name = name.rpartition(":")[2]
        elif name == "base":
            name = ""  # only `xml:base` is a base address
        yield name, value, cost


def _styles(text: str, rules: ElementRules) -> None:
    small = text.lower() if text.isascii() else _lower_ascii(text)
    offset = small.find("<style")
    while offset >= 0:
        end = small.find("</style", offset)
        end = len(text) if end < 0 else end
        rules.css(text[offset:end], _line(text, offset))
        offset = small.find("<style", end)


def _lower_ascii(text: str) -> str:
    """`text` in lower case. Unlike `str.lower`, it keeps the length."""
    return text.translate({upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)})


def _declarations(text: str, findings: MarkupFindings) -> None:
    """Test the declarations of an XML document that is not well-formed."""
    for sheet in _STYLESHEET.finditer(text):
        if found := stylesheet(sheet[1]):
            findings.add(*found, _line(text, sheet.start()))
    for entity in _ENTITY.finditer(text):
        if entity[1]:
            findings.add(EXTERNAL, "an external entity", _line(text, entity.start()))
        elif re.search("&(?!#)|%", entity[2] or entity[3] or ""):
            findings.add("entity_expansion", "an entity made of other entities", _line(text, entity.start()))


def _line(text: str, offset: int) -> Callable[[], int]:
    return lambda: text.count("\n", 0, offset) + 1
