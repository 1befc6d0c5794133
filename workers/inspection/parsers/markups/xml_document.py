"""A document read by the rules of XML, with expat: nothing is fetched, and no entity is expanded that could grow."""

import re
from collections.abc import Mapping
from typing import Any
from xml.parsers import expat

from workers.inspection.parsers.markups.elements import ElementRules
from workers.inspection.parsers.markups.findings import MarkupFindings, excerpt
from workers.inspection.parsers.markups.references import EXTERNAL, SCRIPT, stylesheet
from workers.inspection.parsers.port import Exceeded

_SVG = "http://www.w3.org/2000/svg"
_XHTML = "http://www.w3.org/1999/xhtml"
_MATHML = "http://www.w3.org/1998/Math/MathML"
_XLINK = "http://www.w3.org/1999/xlink"
_XML = "http://www.w3.org/XML/1998/namespace"
_XINCLUDE = "http://www.w3.org/2001/XInclude"
_XSLT = "http://www.w3.org/1999/XSL/Transform"
_MSXSL = "urn:schemas-microsoft-com:xslt"
_ACTIVE = frozenset({_SVG, _XHTML, _MATHML})
_ACTIVE_ROOTS = frozenset({"svg", "html"})

# Document types of the W3C's own formats, which every reader has at hand.
_KNOWN_TYPE = re.compile(r"https?://www\.w3\.org/[\w./-]*|about:legacy-compat")
# Adobe Illustrator declares the names of its namespaces as entities.
_PLAIN_ENTITY = 1024
_REFERENCE = re.compile(r"%[^\s;]+;")
_TAG = re.compile(r"<[A-Za-z]|<\Z")


_NO_MEMORY = expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]

Error = tuple[str, int]
"""What is wrong, and in which line."""


class _StopParsing(Exception):
    """Nothing more is read by these rules: it would have to be expanded."""


class XmlDocument:
    """Reads one document. Afterwards:

    `root` is its outermost element; `stopped` says that not all was read, as it would have had to be expanded;
    `hides_tags` that there are tags in comments and the like, where XML sees none and HTML might.
    """

    def __init__(self, limits: Mapping[str, int]) -> None:
        self.findings = MarkupFindings()
        self.root: str | None = None
        self.stopped = False
        self.hides_tags = False
        self._quoting = False
        self._elements = ElementRules(self.findings)
        self._limits = limits
        self._nodes = self._depth = 0
        self._style: list[str] | None = None
        self._parser = self._prepared()

    @property
    def active(self) -> bool:
        """Whether a browser shows it as SVG or HTML."""
        return self.root is not None and self.root.rpartition(" ")[2].lower() in _ACTIVE_ROOTS

    def read(self, text: str) -> Error | None:
        """What keeps `text` from being well-formed, if anything. Raises Exceeded above a limit."""
        try:
            self._parser.Parse(text, True)
        except _StopParsing:
            self.stopped = True
        except UnicodeEncodeError:
            return "it is not well-formed (half a character)", 1
        except expat.ExpatError as error:
            if error.code == _NO_MEMORY:
                raise MemoryError from error
            return f"it is not well-formed ({expat.ErrorString(error.code)})", error.lineno
        return None

    def line(self) -> int:
        """Where it is being read."""
        return self._parser.CurrentLineNumber

    def _prepared(self) -> expat.XMLParserType:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.CommentHandler = self._hidden
        parser.StartCdataSectionHandler = self._quote
        parser.EndCdataSectionHandler = self._unquote
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        parser.DefaultHandlerExpand = self._rest
        return parser

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.root = self.root or name
        self._nodes += 1 + len(attributes)
        self._depth += 1
        if self._depth > self._limits["markup_depth"]:
            raise Exceeded(f"elements are nested deeper than the {self._limits['markup_depth']} that are looked at")
        if self._nodes > self._limits["markup_nodes"]:
            raise Exceeded(f"it has more than the {self._limits['markup_nodes']} elements that are looked at")
        space, _, local = name.rpartition(" ")
        local = local.lower()
        if space in _ACTIVE or (not space and self.active):
            self._elements.check(local, _effective_attributes(attributes), self.line)
            self._style = [] if local == "style" else None
        elif space:
            self._foreign(space, local, attributes)

    def _foreign(self, space: str, local: str, attributes: Mapping[str, str]) -> None:
        """Elements that do something in whatever document they are."""
        if (space == _XINCLUDE and local == "include") or (space == _XSLT and local in ("import", "include")):
            self.findings.add(EXTERNAL, f"an inclusion ({excerpt(attributes.get('href', ''))})", self.line)
        elif space == _MSXSL and local == "script":
            self.findings.add(SCRIPT, "a script element", self.line)
        elif space == _XSLT and local in ("element", "attribute"):
            made = attributes.get("name", "").rpartition(":")[2].lower()
            if made == "script" or (local == "attribute" and re.fullmatch("on[a-z]+", made)):
                self.findings.add(SCRIPT, f"an instruction that makes a script ({excerpt(made)})", self.line)

    def _end(self, _: str) -> None:
        self._depth -= 1
        if self._style is not None:
            self._elements.css("".join(self._style), self.line)
        self._style = None

    def _text(self, data: str) -> None:
        if self._quoting:
            self._hidden(data)
        if self._style is not None:
            self._style.append(data)

    def _hidden(self, data: str) -> None:
        self.hides_tags = self.hides_tags or bool(_TAG.search(data))

    def _quote(self) -> None:
        self._quoting = True

    def _unquote(self) -> None:
        self._quoting = False

    def _instruction(self, target: str, data: str) -> None:
        self._hidden(data)
        if target == "xml-stylesheet" and (found := stylesheet(data)):
            self.findings.add(*found, self.line)

    def _doctype(self, name: str, system: str | None, public: str | None, internal: int) -> None:  # noqa: ARG002 # expat's
        if system and not _KNOWN_TYPE.fullmatch(system):
            self.findings.add(EXTERNAL, f"a document type from elsewhere ({excerpt(system)})", self.line)

    def _entity(self, name: str, parameter: int, value: str | None, base: Any, *ids: str | None) -> None:  # noqa: ARG002 # expat's
        if value is None:
            self.findings.add(EXTERNAL, f"an external entity ({excerpt(ids[0] or '')})", self.line)
        elif parameter or len(value) > _PLAIN_ENTITY or re.search("[&%<]", value):
            self.findings.add("entity_expansion", f"an entity that is more than a word ({excerpt(name)})", self.line)
            raise _StopParsing

    def _rest(self, data: str) -> None:
        # What follows a reference that is not read is no longer told, though other readers may heed it.
        if self.root is None and _REFERENCE.fullmatch(data):
            self.findings.add("entity_expansion", f"declarations out of an entity ({excerpt(data)})", self.line)
            raise _StopParsing


def _effective_attributes(attributes: Mapping[str, str]) -> list[tuple[str, str]]:
    """Those that browsers heed, by local name: without a namespace, or of XLink and XML."""
    found = []
    for name, value in attributes.items():
        space, _, local = name.rpartition(" ")
        if (not space and local != "base") or space == _XLINK or (space == _XML and local == "base"):
            found.append((local.lower(), value))
    return found
