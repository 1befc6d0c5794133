"""Reads a document by the rules of XML, with expat. Nothing is fetched, and no entity that could grow is expanded."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from xml.parsers import expat

from workers.inspection.parsers.markups.document_types import is_known
from workers.inspection.parsers.markups.elements import PLAIN, ElementRules
from workers.inspection.parsers.markups.findings import MarkupFindings, excerpt
from workers.inspection.parsers.markups.references import EXTERNAL, FOREIGN, SCRIPT, stylesheet
from workers.inspection.parsers.port import LimitExceeded

_SVG = "http://www.w3.org/2000/svg"
_XHTML = "http://www.w3.org/1999/xhtml"
_MATHML = "http://www.w3.org/1998/Math/MathML"
_XLINK = "http://www.w3.org/1999/xlink"
_XML = "http://www.w3.org/XML/1998/namespace"
_XINCLUDE = frozenset({"http://www.w3.org/2001/XInclude", "http://www.w3.org/2003/XInclude"})  # libxml2 takes both
_XSLT = "http://www.w3.org/1999/XSL/Transform"
_MSXSL = "urn:schemas-microsoft-com:xslt"
_ACTIVE = frozenset({_SVG, _XHTML, _MATHML})
_ACTIVE_ROOTS = frozenset({"svg", "html"})

# Documents of office programs, written as XML: their own readers would have to examine them. Of OpenDocument, the other
# roots are those of parts in a package, which no program opens by themselves.
_OPEN_DOCUMENT = ("urn:oasis:names:tc:opendocument:xmlns:office:", "http://openoffice.org/2000/office")
_OFFICE = (
    "http://schemas.microsoft.com/office/word/2003/wordml",
    "http://schemas.microsoft.com/office/2006/xmlpackage",
    "http://schemas.microsoft.com/office/powerpoint/",
    "http://schemas.microsoft.com/visio/",
    "http://schemas.microsoft.com/office/infopath/",
    "urn:schemas-microsoft-com:office:spreadsheet",
    "urn:schemas-microsoft-com:office:word",
)
# Entities without references to others and up to this length may be declared: Adobe Illustrator declares its namespaces
# so, and manuals the names of programs. expat bounds what comes out of them.
_PLAIN_ENTITY = 1024
# Style elements within one another, which nobody writes.
_STYLES = 8
_REFERENCE = re.compile(r"%[^\s;]+;")
_TAG = re.compile(r"<[A-Za-z]|<\Z")


_NAMESPACES = frozenset(
    expat.errors.codes[each]
    for each in (
        expat.errors.XML_ERROR_UNBOUND_PREFIX,
        expat.errors.XML_ERROR_UNDECLARING_PREFIX,
        expat.errors.XML_ERROR_UNDEFINED_ENTITY,
    )
)
_NO_MEMORY = expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]

Error = tuple[str, int]
"""What completes “Line 3 has …”, and the line."""


class _Style(NamedTuple):
    """A style element at `depth`. Browsers take its `own` text, and other programs the `whole` text within it."""

    depth: int
    own: list[str]
    whole: list[str]


class _StopParsing(Exception):
    """Stops the reading at an entity that could expand."""


class XmlDocument:
    """Reads one document. Afterwards `root` is its outermost element, with its namespace.

    `stopped` says that the rest was not read because of an entity that could expand. `hides_tags` says that there are
    tags in comments, CDATA sections or the like, where XML reads none but HTML may. `is_piece` says that all that is
    missing are prefixes or entities that another document declares, into which it is put.
    """

    def __init__(self, limits: Mapping[str, int]) -> None:
        self.findings = MarkupFindings()
        self.root: str | None = None
        self.stopped = False
        self.hides_tags = self.is_piece = False
        self._in_cdata = False
        self._rules = ElementRules(self.findings)
        self._limits = limits
        self._nodes = self._depth = self._foreign_depth = 0
        self._styles: list[_Style] = []
        self._doctype_line: tuple[str, int] | None = None
        self._parser = self._prepared()

    @property
    def active(self) -> bool:
        """Whether a browser shows the document as SVG or HTML, and runs its scripts."""
        return self.root is not None and self.root.rpartition(" ")[2].lower() in _ACTIVE_ROOTS

    def read(self, text: str) -> Error | None:
        """Read all of `text`; the first error, if it is not well-formed. Raises LimitExceeded above a limit."""
        try:
            self._parser.Parse(text, True)
        except _StopParsing:
            self.stopped = True
        except UnicodeEncodeError:
            return "an incomplete character", 1
        except expat.ExpatError as error:
            if error.code == _NO_MEMORY:
                raise MemoryError from error
            self.is_piece = error.code in _NAMESPACES and not self.active
            return f"a syntax error ({expat.ErrorString(error.code)})", error.lineno
        return None

    def line(self) -> int:
        """The line that is being read."""
        return self._parser.CurrentLineNumber

    def _prepared(self) -> expat.XMLParserType:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.CommentHandler = self._hidden
        parser.StartCdataSectionHandler = self._start_cdata
        parser.EndCdataSectionHandler = self._end_cdata
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        parser.DefaultHandlerExpand = self._rest
        return parser

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self.root is None:
            self.root = name
            if _is_office_root(name.lower()):
                self._is_office()
            self._judge_doctype()
        self._nodes += 1 + len(attributes)
        self._depth += 1
        if self._depth > self._limits["markup_depth"]:
            raise LimitExceeded(f"Elements are nested more than {self._limits['markup_depth']} deep (markup_depth).")
        if self._nodes > self._limits["markup_nodes"]:
            raise LimitExceeded(
                f"The text has more than {self._limits['markup_nodes']} elements and attributes (markup_nodes)."
            )
        space, _, local = name.rpartition(" ")
        local = local.lower()
        if space in _ACTIVE or (not space and self.active):
            self._rules.check(local, _effective_attributes(attributes), self.line)
            self._check_foreign(space, local)
            if local == "style":
                self._begin_style()
        elif space:
            self._foreign(space, local, attributes)

    def _check_foreign(self, space: str, local: str) -> None:
        if local == "foreignobject":
            self._foreign_depth = self._foreign_depth or self._depth
        elif self._foreign_depth and space not in (_SVG, _MATHML) and local not in PLAIN:
            self.findings.add(FOREIGN, f"a foreignObject element with more than text ({excerpt(local)})", self.line)

    def _foreign(self, space: str, local: str, attributes: Mapping[str, str]) -> None:
        """Elements that load or run something in any XML document."""
        if (space in _XINCLUDE and local == "include") or (space == _XSLT and local in ("import", "include")):
            self.findings.add(EXTERNAL, f"an inclusion ({excerpt(attributes.get('href', ''))})", self.line)
        elif space == _MSXSL and local == "script":
            self.findings.add(SCRIPT, "a script element", self.line)
        elif space == _XSLT and local in ("element", "attribute"):
            made = attributes.get("name", "").rpartition(":")[2].lower()
            if made == "script" or (local == "attribute" and re.fullmatch("on[a-z]+", made)):
                self.findings.add(SCRIPT, f"an XSLT instruction that makes a script ({excerpt(made)})", self.line)

    def _is_office(self) -> None:
        self.findings.add("unsupported", "the beginning of an office document in XML, which is not examined", self.line)

    def _end(self, _: str) -> None:
        if self._styles and self._styles[-1].depth == self._depth:
            style = self._styles.pop()
            for css in {"".join(style.own), "".join(style.whole)}:
                self._rules.css(css, self.line)
        if self._foreign_depth == self._depth:
            self._foreign_depth = 0
        self._depth -= 1

    def _begin_style(self) -> None:
        if len(self._styles) >= _STYLES:
            raise LimitExceeded(f"Style elements are nested more than {_STYLES} deep.")
        self._styles.append(_Style(self._depth, [], []))

    def _text(self, data: str) -> None:
        if self._in_cdata:
            self._hidden(data)
        for style in self._styles:
            style.whole.append(data)
            if style.depth == self._depth:
                style.own.append(data)

    def _hidden(self, data: str) -> None:
        self.hides_tags = self.hides_tags or bool(_TAG.search(data))

    def _start_cdata(self) -> None:
        self._in_cdata = True

    def _end_cdata(self) -> None:
        self._in_cdata = False

    def _instruction(self, target: str, data: str) -> None:
        self._hidden(data)
        if target.lower() == "mso-application":
            self._is_office()
        if target == "xml-stylesheet" and (found := stylesheet(data)):
            self.findings.add(*found, self.line)

    def _doctype(self, name: str, system: str | None, public: str | None, internal: int) -> None:  # noqa: ARG002 # expat's
        if system:
            self._doctype_line = system, self.line()

    def _judge_doctype(self) -> None:
        if self._doctype_line and not is_known(self._doctype_line[0], as_page=self.active):
            system, line = self._doctype_line
            self.findings.add(EXTERNAL, f"an external document type ({excerpt(system)})", line)

    def _entity(self, name: str, parameter: int, value: str | None, base: Any, *ids: str | None) -> None:  # noqa: ARG002 # expat's
        if value is None:
            self.findings.add(EXTERNAL, f"an external entity ({excerpt(ids[0] or '')})", self.line)
        elif parameter or len(value) > _PLAIN_ENTITY or re.search("[&%]", value):
            self.findings.add("entity_expansion", f"an entity that can expand ({excerpt(name)})", self.line)
            raise _StopParsing

    def _rest(self, data: str) -> None:
        # expat reports no declaration after a parameter entity that it does not read, but other programs may read them.
        if self.root is None and _REFERENCE.fullmatch(data):
            self.findings.add("entity_expansion", f"declarations in a parameter entity ({excerpt(data)})", self.line)
            raise _StopParsing


def _is_office_root(name: str) -> bool:
    return name.startswith(_OFFICE) or (name.startswith(_OPEN_DOCUMENT) and name.endswith(" document"))


def _effective_attributes(attributes: Mapping[str, str]) -> list[tuple[str, str]]:
    """The attributes that browsers use, by local name: those without a namespace, of XLink, and `xml:base`."""
    found = []
    for name, value in attributes.items():
        space, _, local = name.rpartition(" ")
        if (not space and local != "base") or space == _XLINK or (space == _XML and local == "base"):
            found.append((local.lower(), value))
    return found
