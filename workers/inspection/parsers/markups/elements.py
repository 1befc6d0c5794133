"""What an element of SVG or HTML runs or loads. The names here are in lower case, without prefixes."""

import re
from collections.abc import Callable, Iterable, Sequence

from workers.inspection.parsers.markups.css import css_addresses
from workers.inspection.parsers.markups.findings import Inner, Line, MarkupFindings, excerpt
from workers.inspection.parsers.markups.references import (
    FOREIGN,
    SCRIPT,
    SVG,
    data_of,
    effect_of,
    leads_to_a_program,
)

_SCRIPTS = frozenset({"script", "handler"})  # SVG Tiny 1.2 has the latter
_HANDLER = re.compile(r"on[a-z]+")
# Addresses that are only followed when a person chooses to. They may run a script then, so that is reported. The last
# are elements of MathML, each of which may be a link.
_LINKS = frozenset(
    {"a", "area", "math", "mrow", "mi", "mn", "mo", "ms", "mtext", "mfrac", "msqrt", "mroot", "mstyle", "msub", "msup",
     "msubsup", "munder", "mover", "munderover", "mtable", "mtd", "mtr", "maction", "semantics"}
)  # fmt: skip
_FOLLOWED = frozenset({"action", "formaction", "cite", "longdesc", "ping"})
_LOADED = frozenset(
    {"href", "src", "data", "poster", "background", "base", "codebase", "archive", "lowsrc", "dynsrc", "manifest",
     "attributionsrc"}
)  # fmt: skip
# What an SVG may have in `foreignObject`: a text and its form, as drawing programs write labels. The rest of HTML makes
# a page of the picture, which can ask for input.
PLAIN = frozenset(
    {"a", "abbr", "address", "article", "aside", "b", "bdi", "bdo", "big", "blockquote", "body", "br", "caption",
     "center", "cite", "code", "col", "colgroup", "data", "dd", "del", "div", "dl", "dt", "em", "figcaption", "figure",
     "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html", "i", "img", "ins", "kbd",
     "li", "main", "mark", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp", "section", "small", "span", "strike",
     "strong", "style", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time", "title", "tr", "tt", "u",
     "ul", "var", "wbr"}
)  # fmt: skip
# Parameters of an object that are the address of what it shows.
_PARAMETERS = frozenset({"movie", "src", "url", "filename", "data", "code", "archive", "codebase"})
_LISTS = frozenset({"srcset", "imagesrcset"})
_ANIMATED = frozenset({"to", "from", "by", "values"})
_IMAGES = frozenset({"img", "image", "feimage", "input", "source", "video", "link"})
# What a link element only names: a browser loads none of them.
_NAMED_ONLY = frozenset(
    {"canonical", "alternate", "shortlink", "author", "license", "help", "prev", "previous", "first", "last",
     "up", "start", "home", "index", "contents", "glossary", "copyright", "chapter", "section", "appendix", "bookmark",
     "me", "tag", "amphtml", "pingback", "edituri", "wlwmanifest", "publisher", "hub", "self", "webmention", "profile",
     "https://api.w.org/", "schema.dc", "schema.dcterms"}
)  # fmt: skip
# Attributes that are shown or compared, and never loaded.
_TEXTS = re.compile(r"alt|title|content|value|placeholder|label|class|id|name|d|points|(aria|data)-.*")
# https://html.spec.whatwg.org/multipage/semantics.html#shared-declarative-refresh-steps
_REFRESH = re.compile(r"[\s\d.]*[\s;,]*(?:url\s*=\s*)?[\"']?(.*)", re.DOTALL | re.IGNORECASE)

Attributes = Iterable[tuple[str, str]]


class ElementRules:
    """Tests elements one by one and adds findings."""

    def __init__(self, findings: MarkupFindings) -> None:
        self._findings = findings

    def check(self, name: str, attributes: Attributes, line: Callable[[], int]) -> None:
        """Test one start tag. An attribute that is there twice counts twice: programs take one or the other."""
        if name in _SCRIPTS:
            self._findings.add(SCRIPT, "a script element", line)
        given = list(attributes)
        for attribute, value in given:
            self._attribute(name, attribute, value, given, line)

    def css(self, css: str, line: Line) -> None:
        """Test the text of a stylesheet, or of a style element or attribute."""
        for address in css_addresses(css):
            self._loaded(address, line, as_image=True)

    def _attribute(
        self, element: str, name: str, value: str, given: Sequence[tuple[str, str]], line: Callable[[], int]
    ) -> None:
        if _HANDLER.fullmatch(name) or (name == "attributename" and _HANDLER.fullmatch(value.strip().lower())):
            self._findings.add("event_handler", f"an event handler ({excerpt(name)})", line)
        elif name == "srcdoc":
            self._findings.inner[Inner(value.encode("utf-8", "replace"), is_html=True)] = None
        elif name == "style" or ("(" in value and not _TEXTS.fullmatch(name)):
            self.css(value, line)
        elif name == "classid" and value.strip():
            self._findings.add(FOREIGN, f"a control ({excerpt(value)})", line)
        for address in _addresses(element, name, value, given):
            if name in _FOLLOWED or (element in _LINKS and name == "href"):
                self._followed(address, line)
            else:
                self._loaded(address, line, as_image=element in _IMAGES)

    def _followed(self, address: str, line: Callable[[], int]) -> None:
        if effect_of(address) == SCRIPT:
            self._runs(address, line)
        elif leads_to_a_program(address):
            self._findings.add("unsafe_link", f"a link that starts a program ({excerpt(address)})", line)

    def _loaded(self, address: str, line: Line, *, as_image: bool) -> None:
        effect = effect_of(address, as_image=as_image)
        if effect == SCRIPT:
            self._runs(address, line)
        elif effect:
            self._findings.add(effect, f"a reference to {excerpt(address)}", line)
        elif as_image and (data := data_of(address)) and data.media_type == SVG:
            self._findings.inner[Inner(data.content, is_html=False)] = None

    def _runs(self, address: str, line: Line) -> None:
        self._findings.add(SCRIPT, f"an address that runs a script ({excerpt(address)})", line)


def _addresses(element: str, name: str, value: str, given: Sequence[tuple[str, str]]) -> Iterable[str]:
    """The addresses in one attribute."""
    if element == "link" and name == "href" and _is_named_only(given):
        return ()
    if name in _LOADED or name in _FOLLOWED:
        return (value,)
    if element == "param" and name == "value" and _PARAMETERS.intersection(_values(given, "name")):
        return (value,)
    if name in _LISTS:
        return (part for each in value.split() for part in (each.strip(","), *each.split(",")))
    if name in _ANIMATED and any(each.endswith("href") for each in _values(given, "attributename")):
        return value.split(";")
    if element == "meta" and name == "content" and "refresh" in _values(given, "http-equiv"):
        return tuple(found[1] for found in [_REFRESH.match(value)] if found)
    return ()


def _is_named_only(given: Sequence[tuple[str, str]]) -> bool:
    kinds = [kind for value in _values(given, "rel") for kind in value.split()]
    return bool(kinds) and _NAMED_ONLY.issuperset(kinds)


def _values(given: Sequence[tuple[str, str]], name: str) -> list[str]:
    """All values of the attribute `name`, in lower case."""
    return [value.strip().lower() for each, value in given if each == name]
