"""One Office Open XML package.

Neither its name nor its folder says what a part is: programs go by relationships and content types. So every part is
examined for everything: XML by its elements, wherever it lies; OLE containers as embedded objects; macro projects by
their relationship, type or name; the records of binary workbooks. Pictures, sounds, videos, fonts and what printers
keep are only data. Any other part, above all an embedded document, is handed out as a member.
"""

import io
import re
from collections.abc import Mapping

from workers.inspection.identification.compounds import MAGIC
from workers.inspection.identification.zip_records import LOCAL
from workers.inspection.parsers.documents.known_data import is_known_data
from workers.inspection.parsers.documents.ole.document import examine_embedded
from workers.inspection.parsers.documents.ole.objects import OBJECT
from workers.inspection.parsers.documents.ole.vba import MACROS, report_project
from workers.inspection.parsers.documents.open_xml.binary_workbook import examine_binary_part
from workers.inspection.parsers.documents.open_xml.index import CONTENT_TYPES, Index, read_index
from workers.inspection.parsers.documents.open_xml.links import report_relationships
from workers.inspection.parsers.documents.open_xml.parts import WANTED, PartRules
from workers.inspection.parsers.documents.package import Package
from workers.inspection.parsers.documents.pictures import examine_svg
from workers.inspection.parsers.documents.xml_parts import elements
from workers.inspection.parsers.port import Output

_OBJECT_BYTES = 256 << 20
_MACROS = re.compile(r"vbaproject\b(?!signature)|vbaproject$", re.IGNORECASE)
_MACRO_NAME = re.compile(r"(^|/)vbaproject\.bin$", re.IGNORECASE)
_MACRO_SHEET = re.compile(r"macrosheet", re.IGNORECASE)
_BINARY_SHEET = re.compile(r"application/vnd\.ms-excel\.(?!printersettings|attachedtoolbars)[a-z0-9.]+")
_CONTROL = re.compile(r"activex", re.IGNORECASE)
# Binary data that only its own program reads, and which no click opens.
_SETTINGS = re.compile(
    r".*(printersettings|obfuscatedfont|obfuscated-opentype|x-fontdata|x-font-ttf|customproperty|model\+data|"
    r"vbaprojectsignature.*|attachedtoolbars|digital-signature.*|mswordhtmlrtf|inkml.*|"
    r"vnd\.ms-office\.legacydiagramtext|vnd\.ms-office\.legacydocdiagraminfo|vnd\.ms-word\.attachedtoolbars)"
)
_SETTING_KINDS = frozenset(
    {"printersettings", "font", "customproperty", "powerpivotdata", "vbaprojectsignature",
     "vbaprojectsignatureagile", "vbaprojectsignaturev3", "attachedtoolbars", "legacydiagramtext",
     "legacydocdiagraminfo", "legacydoctextinfo", "certificate", "workbookmetadata"}
)  # fmt: skip
# Programs and packages, which no setting is.
_FILES = (b"MZ", LOCAL, b"\x7fELF", b"%PDF", b"{\\rt")
_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<|\xff\xfe<\0|\xfe\xff\0<|<\0|\0<|\xff\xfe\s?\0?<\0")
_NO_XML = ("text/html", "application/xhtml+xml", "message/rfc822", "application/rtf", "text/rtf", "text/plain",
           "application/x-mimearchive", "multipart/related", "image/svg+xml")  # fmt: skip


def examine_open_xml(package: Package, limits: Mapping[str, int], output: Output) -> None:
    """Examine one package. Raises what `Package` and `elements` raise, LimitExceeded and MalformedDocument."""
    index = read_index(package, output)
    report_relationships(index, output)
    kinds = index.kinds()
    package.check_unused(kinds)
    for name in package.names:
        if name.lower() != CONTENT_TYPES and not name.lower().endswith(".rels"):
            _Part(package, name, index, kinds.get(name.lower(), frozenset()), output).examine(limits)


class _Part:
    def __init__(self, package: Package, name: str, index: Index, kinds: frozenset[str], output: Output) -> None:
        self._package = package
        self._name = name
        self._kinds = kinds
        self._type = index.type_of(name)
        self._relationships = index.relationships.get(name.lower(), {})
        self._output = output

    def examine(self, limits: Mapping[str, int]) -> None:
        head = self._package.head(self._name)
        if _MACRO_SHEET.search(f"{self._type} {self._name}"):
            self._output.finding("macros", MACROS)
        if self._is_project():
            report_project(self._content(), self._output)
        elif _CONTROL.search(self._type) or "/activex/" in self._name.lower():
            self._output.finding("embedded_object", OBJECT)
        elif head.startswith(MAGIC):
            examine_embedded(self._content(), limits, self._output)
        elif self._is_setting() and not head.startswith(_FILES):
            self._package.verify(self._name)
        elif self._is_xml(head):
            self._xml()
        else:
            self._data(head)

    def _is_project(self) -> bool:
        named = _MACROS.search(self._type) or _MACRO_NAME.search(self._name)
        return bool(named or "vbaproject" in self._kinds)

    def _content(self) -> bytes:
        return self._package.read(self._name, _OBJECT_BYTES)

    def _is_xml(self, head: bytes) -> bool:
        if self._type in _NO_XML or "afchunk" in self._kinds or self._is_drawing():
            return False
        return bool(_XML.match(head)) or self._type.endswith(("+xml", "/xml"))

    def _xml(self) -> None:
        rules = PartRules(self._relationships, self._output)
        wanted = ("*",) if "extensibility" in self._kinds else WANTED
        # Office itself writes old drawings (VML) that are not well-formed, and reads them.
        recover = self._type.endswith("vmldrawing") or self._name.lower().endswith(".vml")
        for element in elements(self._package.pieces(self._name), wanted, self._output, recover=recover):
            rules.take(element)
        rules.close()

    def _data(self, head: bytes) -> None:
        if self._is_drawing():
            examine_svg(io.BytesIO(self._content()), self._output)
        elif _BINARY_SHEET.fullmatch(self._type) and not self._is_workbook(head):
            examine_binary_part(self._content(), self._output)
        elif is_known_data(head):
            self._package.verify(self._name)
        else:
            self._package.hand_out(self._name, self._output)

    def _is_drawing(self) -> bool:
        return self._type == "image/svg+xml" or self._name.lower().endswith(".svg")

    def _is_workbook(self, head: bytes) -> bool:
        """Whether the part is a binary workbook, which is a package of its own, and nothing else refers to it."""
        return head.startswith(LOCAL) and self._kinds == {"package"}

    def _is_setting(self) -> bool:
        """Whether the part is used as a program's own data, and as nothing else."""
        known = bool(self._kinds & _SETTING_KINDS) or _SETTINGS.fullmatch(self._type) is not None
        return known and not self._kinds - _SETTING_KINDS
