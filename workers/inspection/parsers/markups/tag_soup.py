"""A text read as leniently as anything may read it.

Where comments, CDATA sections and scripts begin and end is read differently by XML, by HTML, and by HTML within SVG
within HTML; so they count as nothing here, and each `<` before a letter begins a tag. What is only quoted is therefore
objected to as well.
"""

import html
import re
from collections.abc import Callable, Iterator

from workers.inspection.parsers.markups.elements import ElementRules
from workers.inspection.parsers.markups.findings import MarkupFindings
from workers.inspection.parsers.markups.references import EXTERNAL, stylesheet
from workers.inspection.parsers.port import Exceeded

# https://html.spec.whatwg.org/multipage/parsing.html#tag-open-state; white space is what it is there, not Unicode's.
_TAG = re.compile(r"<([A-Za-z][^\t\n\f\r />]{0,64})")
_ATTRIBUTE = re.compile(
    r"""[\t\n\f\r /]*(=?[^\t\n\f\r />=]*)[\t\n\f\r ]*"""
    r"""(?:=[\t\n\f\r ]*(?:"([^"]*)"|'([^']*)'|([^\t\n\f\r >]*)))?"""
)
_STYLESHEET = re.compile(r"<\?xml-stylesheet\s([^>]*)")
_ENTITY = re.compile(r"<!ENTITY\s+(?:%\s*)?[^\s\"'>]+\s+(?:(SYSTEM|PUBLIC)\b|\"([^\"]*)\"|'([^']*)')")
_XML_ATTRIBUTES = frozenset({"xlink:href", "xml:base"})
# A browser reads each byte about once. Tags that are nested in one another's attributes are read again for each.
_WORK = 20
_LEAST_WORK = 1_000_000
_DEPTH = 3


def scan(text: str, *, depth: int = 0) -> MarkupFindings:
    """All that any reader might find in `text`. Raises Exceeded where it is made to be read in too many ways."""
    findings = MarkupFindings()
    elements = ElementRules(findings)
    work = _WORK * len(text) + _LEAST_WORK
    for tag in _TAG.finditer(text):
        attributes = []
        for attribute, value, cost in _attributes(text, tag.end()):
            work -= cost
            if work < 0:
                raise Exceeded("it can be read in more ways than are looked at")
            attributes.append((attribute, value))
            if attribute == "srcdoc" and depth < _DEPTH:
                findings.merge(scan(value, depth=depth + 1))
        name = tag[1].lower()
        if name == "xi:include":
            findings.add(EXTERNAL, "an inclusion", _line(text, tag.start()))
        elements.check(name.rpartition(":")[2], attributes, _line(text, tag.start()))
    _styles(text, elements)
    _declarations(text, findings)
    return findings


def _attributes(text: str, place: int) -> Iterator[tuple[str, str, int]]:
    """Name, value and how much was read for it."""
    while (found := _ATTRIBUTE.match(text, place)) and found.end() > place:
        cost = _WORK - 4 + found.end() - place
        place = found.end()
        value = found[2] or found[3] or found[4] or ""
        name = found[1].lower()
        if "&" in value:
            value = html.unescape(value)
        if name in _XML_ATTRIBUTES or name.endswith(":href"):
            name = name.rpartition(":")[2]
        elif name == "base":
            name = ""  # only xml:base is one
        yield name, value, cost


def _styles(text: str, elements: ElementRules) -> None:
    small = text.lower() if text.isascii() else _lower_ascii(text)
    place = small.find("<style")
    while place >= 0:
        end = small.find("</style", place)
        end = len(text) if end < 0 else end
        elements.css(text[place:end], _line(text, place))
        place = small.find("<style", end)


def _lower_ascii(text: str) -> str:
    """As long as `text`, which `lower` may not be."""
    return text.translate({upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)})


def _declarations(text: str, findings: MarkupFindings) -> None:
    """What the head of an XML document may say, that was too broken to be read as one."""
    for sheet in _STYLESHEET.finditer(text):
        if found := stylesheet(sheet[1]):
            findings.add(*found, _line(text, sheet.start()))
    for entity in _ENTITY.finditer(text):
        if entity[1]:
            findings.add(EXTERNAL, "an external entity", _line(text, entity.start()))
        elif re.search("[&%<]", entity[2] or entity[3] or ""):
            findings.add("entity_expansion", "an entity made of others", _line(text, entity.start()))


def _line(text: str, place: int) -> Callable[[], int]:
    return lambda: text.count("\n", 0, place) + 1
