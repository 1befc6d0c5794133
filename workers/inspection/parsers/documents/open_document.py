"""OpenDocument 1.3 (odt, ods, odp and the like), parts 2 (packages) and 3 (elements), and OpenOffice.org's format.

Embedded charts, formulas and tables are OpenDocument documents in the same package, and are examined like the document
itself. What an attribute leads to is judged by the element that has it: see `_LINKS`, `_PICTURES` and the like; an
element that is not among them loads what it names when the document is opened.
"""

import io
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from workers.inspection.identification.compounds import MAGIC
from workers.inspection.parsers.documents.formulas import ACTIVE, formula
from workers.inspection.parsers.documents.known_data import is_known_data
from workers.inspection.parsers.documents.ole.document import examine_embedded
from workers.inspection.parsers.documents.ole.objects import OBJECT
from workers.inspection.parsers.documents.ole.vba import MACROS
from workers.inspection.parsers.documents.package import EncryptedDocument, Package
from workers.inspection.parsers.documents.pictures import examine_svg
from workers.inspection.parsers.documents.references import (
    ACTION,
    asked_for,
    clicked,
    is_remote,
    loaded,
    played,
    shown,
)
from workers.inspection.parsers.documents.xml_parts import Element, elements
from workers.inspection.parsers.port import Output

MANIFEST = "META-INF/manifest.xml"
_OBJECT_BYTES = 256 << 20
_LIBRARY = re.compile(r"(?:.*/)?(?:script|dialog)-l[bc]\.xml", re.DOTALL)
_BASIC, _SCRIPTS = re.compile(r"(.*/)?Basic/", re.DOTALL), re.compile(r"(.*/)?Scripts/.", re.DOTALL)
_CODELESS = re.compile(r"\s*($|'|rem\b|option\s|sub\s+main\s*(\(\s*\))?\s*$|end\s+sub\s*$)", re.IGNORECASE)
_DDE = frozenset({"dde-source", "dde-link", "dde-connection-decl", "dde-connection"})
_CLICKED = frozenset(
    {"a", "event-listener", "form", "button", "hyperlink-behaviour", "image-map", "area-rectangle",
     "area-circle", "area-polygon", "contour-polygon", "image-frame", "model", "properties"}
)  # fmt: skip
_PICTURES = frozenset(
    {"image", "fill-image", "background-image", "list-level-style-image", "symbol-image", "video-frame"}
)
_PLAYED = frozenset({"plugin", "sound"})
_ASKED = frozenset({"table-source", "template"})
_LISTENERS = frozenset({"event-listener", "event", "listener"})
_RUNS = re.compile(
    r"\s*(vnd\.sun\.star\.(script|expand|pkg|hier)|vnd\.libreoffice\.command|\.uno|macro|service|script|javascript|slot):",
    re.IGNORECASE,
)
_PROGRAMS = frozenset({"execute", "macro", "verb"})
_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<|\xff\xfe<\0|\xfe\xff\0<|<\0|\0<")
_XFORMS = "http://www.w3.org/2002/xforms"


def examine_open_document(package: Package, limits: Mapping[str, int], output: Output) -> None:
    """Examine one package. Raises what `Package` and `elements` raise, EncryptedDocument and LimitExceeded."""
    if MANIFEST in package.names:
        # Manifests of OpenOffice's first versions leave the namespace of their prefix to a document type.
        for element in elements(package.pieces(MANIFEST), ("*",), output, doctype=True, recover=True):
            if element.name.rpartition(":")[2] == "encryption-data":
                raise EncryptedDocument
    for name in package.names:
        if name != MANIFEST:
            _part(package, name, limits, output)


def _part(package: Package, name: str, limits: Mapping[str, int], output: Output) -> None:
    if _BASIC.match(name) and not _LIBRARY.fullmatch(name):
        _basic(package, name, output)
    elif _SCRIPTS.match(name):
        output.finding("macros", MACROS)
    else:
        _by_content(package, name, limits, output)


def _by_content(package: Package, name: str, limits: Mapping[str, int], output: Output) -> None:
    head = package.head(name)
    if head.startswith(MAGIC):
        examine_embedded(package.read(name, _OBJECT_BYTES), limits, output)
    elif _XML.match(head) and name.lower().endswith(".svg"):
        examine_svg(io.BytesIO(package.read(name, _OBJECT_BYTES)), output)
    elif _XML.match(head):
        for element in elements(package.pieces(name), ("*",), output, doctype=True):
            _element(element, output)
    elif is_known_data(head) or name == "mimetype" or name.endswith("layout-cache"):
        package.verify(name)
    else:
        package.hand_out(name, output)


def _basic(package: Package, name: str, output: Output) -> None:
    """A module of Basic, or a dialog. LibreOffice writes an empty module where one was only looked at."""
    code = ""
    for element in elements(package.pieces(name), ("*",), output, doctype=True):
        code += element.text if element.name == "module" else ""
        _element(element, output)
    if any(not _CODELESS.match(line) for line in code.splitlines()):
        output.finding("macros", MACROS)
    elif name.lower().endswith(".xml"):
        output.finding("empty_macros", "The document has a macro library in which there is no code.")


def _element(element: Element, output: Output) -> None:
    if element.name == "script" and not element.namespace.endswith("svg"):
        output.finding("macros", MACROS)
    elif element.name == "applet":
        output.finding("embedded_object", OBJECT)
    elif element.name in _DDE:
        output.finding("active_formula", ACTIVE)
    for name, value in element.attributes.items():
        _attribute(element, name.rpartition("}")[2], value, output)


def _attribute(element: Element, name: str, value: str, output: Output) -> None:
    if (_RUNS.match(value) and name in ("href", "macro-name", "id", "linked-script", "action")) or (
        name == "macro-name" and value and element.name in _LISTENERS
    ):
        output.finding("macros", MACROS)
    elif name == "href":
        _link(element, value, output)
    elif name == "action" and value in _PROGRAMS:
        output.finding("active_action", ACTION)
    elif name in ("formula", "condition", "expression", "source-cell-range-addresses"):
        formula(value, output, rows_by_bar=not value.startswith("msoxl:"))
    elif name in ("src", "action", "resource") and element.namespace == _XFORMS:
        (loaded if name == "src" else clicked)(value, output)
    elif name in ("connection-resource", "datasource") and is_remote(value):
        output.finding("external_data", "The document fetches data from elsewhere when it is opened.")


def _link(element: Element, value: str, output: Output) -> None:
    if element.name in _LISTENERS and value and "script" in element.namespace:
        output.finding("macros", MACROS)
    elif element.name == "cell-range-source" and is_remote(value):
        output.finding("external_data", "The document fetches data from elsewhere when it is opened.")
    else:
        next((rule for names, rule in _LINKS.items() if element.name in names), loaded)(value, output)


_Rule = Callable[[str, Output], None]
_LINKS: Mapping[frozenset[str], _Rule] = MappingProxyType(
    {_CLICKED: clicked, _PICTURES: shown, _PLAYED: played, _ASKED: asked_for}
)
