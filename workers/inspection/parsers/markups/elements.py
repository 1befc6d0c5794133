"""What an element of SVG or HTML runs or loads. The names here are in lower case, without prefixes."""

import re
from collections.abc import Callable, Iterable, Mapping

from workers.inspection.parsers.markups.css import css_addresses
from workers.inspection.parsers.markups.findings import MarkupFindings, excerpt
from workers.inspection.parsers.markups.references import EXTERNAL, SCRIPT, effect_of, leads_to_a_program

_SCRIPTS = frozenset({"script", "handler"})  # SVG Tiny 1.2 has the latter
_HANDLER = re.compile(r"on[a-z]+")
# Addresses that are only followed when a person chooses to. They may run a script then, so that is reported.
_LINKS = frozenset({"a", "area"})
_FOLLOWED = frozenset({"action", "formaction", "cite", "longdesc", "ping"})
_LOADED = frozenset(
    {"href", "src", "data", "poster", "background", "base", "codebase", "archive", "lowsrc", "dynsrc", "manifest"}
)
_LISTS = frozenset({"srcset", "imagesrcset"})
_ANIMATED = frozenset({"to", "from", "by", "values"})
_IMAGES = frozenset({"img", "image", "feimage", "input", "source", "video", "link"})
_REFRESH = re.compile(r"[^=]*=\s*[\"']?(.*)", re.DOTALL)

Attributes = Iterable[tuple[str, str]]


class ElementRules:
    """Tests elements one by one and adds findings."""

    def __init__(self, findings: MarkupFindings) -> None:
        self._findings = findings

    def check(self, name: str, attributes: Attributes, line: Callable[[], int]) -> None:
        """Test one start tag."""
        if name in _SCRIPTS:
            self._findings.add(SCRIPT, "a script element", line)
        elif name == "foreignobject":
            self._findings.add("foreign_object", "a foreignObject element", line)
        given = dict(attributes)
        for attribute, value in given.items():
            self._attribute(name, attribute, value, given, line)

    def css(self, css: str, line: Callable[[], int]) -> None:
        """Test the text of a style element or attribute."""
        for address in css_addresses(css):
            self._address(effect_of(address, as_image=True), address, line)

    def _attribute(
        self, element: str, name: str, value: str, given: Mapping[str, str], line: Callable[[], int]
    ) -> None:
        if _HANDLER.fullmatch(name) or (name == "attributename" and _HANDLER.fullmatch(value.strip().lower())):
            self._findings.add("event_handler", f"an event handler ({excerpt(name)})", line)
        elif name == "style" or "(" in value:
            self.css(value, line)
        for address in _addresses(element, name, value, given):
            found = effect_of(address, as_image=element in _IMAGES)
            followed = name in _FOLLOWED or (element in _LINKS and name == "href")
            if found == SCRIPT or not followed:
                self._address(found, address, line)
            elif leads_to_a_program(address):
                self._findings.add("unsafe_link", f"a link that starts a program ({excerpt(address)})", line)

    def _address(self, found: str | None, address: str, line: Callable[[], int]) -> None:
        if found == SCRIPT:
            self._findings.add(SCRIPT, f"an address that runs a script ({excerpt(address)})", line)
        elif found == EXTERNAL:
            self._findings.add(EXTERNAL, f"a reference to {excerpt(address)}", line)


def _addresses(element: str, name: str, value: str, given: Mapping[str, str]) -> Iterable[str]:
    """The addresses in one attribute."""
    if name in _LOADED or name in _FOLLOWED:
        return (value,)
    if name in _LISTS:
        return re.split(r"[\s,]+", value)
    if name in _ANIMATED and given.get("attributename", "").strip().lower().endswith("href"):
        return value.split(";")
    if element == "meta" and name == "content" and given.get("http-equiv", "").strip().lower() == "refresh":
        return tuple(found[1] for found in [_REFRESH.match(value)] if found)
    return ()
