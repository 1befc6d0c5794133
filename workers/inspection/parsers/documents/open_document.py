"""OpenDocument 1.3 (odt, ods, odp and the like), parts 2 (packages) and 3 (elements), and OpenOffice.org's format.

Embedded charts, formulas and tables are OpenDocument documents in the same package, and are examined like the document
itself. Objects of other programs are `embedded_object`. Hyperlinks and images: as in `open_xml`.
"""

import re
from collections.abc import Mapping

from workers.inspection.parsers.documents.open_xml import MACROS, OBJECT, OLE, PROGRAM, REMOTE
from workers.inspection.parsers.documents.package import EncryptedDocument, Package, parse
from workers.inspection.parsers.documents.references import is_network_share, is_remote
from workers.inspection.parsers.port import Output

MANIFEST = "META-INF/manifest.xml"
_MIMETYPE = re.compile(rb"application/vnd\.(oasis\.opendocument|sun\.xml)\.")
_BASIC = re.compile(r"Basic/(?!(.*/)?(script|dialog)-l[bc]\.xml$)|Scripts/.", re.DOTALL)
_CONTENT = re.compile(r"(.*/)?(content|styles|meta|settings)\.xml", re.DOTALL)
_DDE_ELEMENTS = frozenset({"dde-source", "dde-link", "dde-connection-decl"})
_PICTURES = frozenset({"image", "fill-image", "background-image", "list-level-style-image", "plugin", "sound"})
_LINKS = frozenset({"a", "form", "button", "event-listener", "hyperlink-behaviour"})
_PROGRAMS = frozenset({"execute", "macro"})


def is_open_document(package: Package) -> bool:
    """Whether the package claims to be an OpenDocument."""
    if MANIFEST in package.names and "content.xml" in package.names:
        return True
    return "mimetype" in package.names and bool(_MIMETYPE.match(next(package.pieces("mimetype"), b"")))


class _ManifestTarget:
    def start(self, tag: str, _attributes: Mapping[str, str], /) -> None:
        if tag.endswith("}encryption-data"):
            raise EncryptedDocument

    def close(self) -> None:
        return


class _ContentTarget:
    """Collects the findings (message by code) in the elements of all parts."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    def start(self, tag: str, attributes: Mapping[str, str], /) -> None:
        namespace, _, local = tag.rpartition("}")
        if local == "script" or (local == "event-listener" and "script" in namespace and _calls(attributes)):
            self.found.setdefault("macros", MACROS)
        elif local in ("object-ole", "applet"):
            self.found.setdefault("embedded_object", OBJECT)
        elif local in _DDE_ELEMENTS:
            self.found.setdefault("remote_template", PROGRAM)
        for name, value in attributes.items():
            self._attribute(local, name.rpartition("}")[2], value)

    def _attribute(self, element: str, name: str, value: str) -> None:
        if name == "href" and element not in _LINKS:
            if (is_network_share if element in _PICTURES else is_remote)(value):
                self.found.setdefault("remote_template", REMOTE)
        elif name == "action" and value in _PROGRAMS:
            self.found.setdefault("macros", MACROS)
        elif name == "formula" and "DDE(" in value.upper():
            self.found.setdefault("remote_template", PROGRAM)

    def close(self) -> None:
        return


def _calls(attributes: Mapping[str, str]) -> bool:
    """Whether a listener names a macro. LibreOffice writes many that name none."""
    return any(value for name, value in attributes.items() if name.endswith(("}href", "}macro-name")))


def examine_open_document(package: Package, output: Output) -> None:
    """Examine one package. Raises what `Package` and `parse` raise."""
    if MANIFEST in package.names:
        parse(package.pieces(MANIFEST), _ManifestTarget())
    content = _ContentTarget()
    if any(_BASIC.match(name) for name in package.names):
        content.found["macros"] = MACROS
    for name in package.names:
        if _CONTENT.fullmatch(name):
            parse(package.pieces(name), content)
        elif [piece[: len(OLE)] for piece in package.pieces(name)][:1] == [OLE]:
            content.found["embedded_object"] = OBJECT
    for code, message in content.found.items():
        output.finding(code, message)
