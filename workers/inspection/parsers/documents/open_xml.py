"""Office Open XML (docx, xlsx, pptx and the like): ECMA-376 part 2 for packages and relationships, [MS-OFFMACRO2].

The relationships of a part define what it is and what it loads; its name does not. A hyperlink is no finding, as a
person has to click it. Images, sound and video from the web are none either: they are only data, and tell their server
no more than that the document was opened. From a network share they are one: Windows sends it the user's credentials.
A chart keeps its figures in an embedded workbook: that is examined as a document of its own.
"""

import io
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from workers.inspection.parsers.documents.package import MalformedDocument, Package, parse
from workers.inspection.parsers.documents.references import is_network_share, is_remote
from workers.inspection.parsers.port import Output

CONTENT_TYPES = "[content_types].xml"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

# The limit for a relationship part or the list of content types: Office writes a few KiB.
_INDEX_BYTES = 16 << 20
_WORKBOOK_BYTES = 64 << 20
_MACRO_CONTENT_TYPES = re.compile(r"vbaproject|macrosheet", re.IGNORECASE)
_MACRO_NAMES = re.compile(r"(^|/)vbaproject\.bin$|(^|/)macrosheets/", re.IGNORECASE)
_MACRO_TYPES = frozenset({"vbaproject", "xlmacrosheet", "xlintlmacrosheet", "wordvbadata"})
_OBJECT_TYPES = frozenset({"oleobject", "package", "control", "activexcontrolbinary", "afchunk"})
_OBJECT_NAMES = re.compile(r"(^|/)(embeddings|activex)/[^/]+$", re.IGNORECASE)
_PICTURE_TYPES = frozenset({"image", "audio", "video", "media", "sound"})
# Matches “name:content type” of the texts of Word and the links of Excel.
_FIELDS = re.compile(r"^word/[^:]*\.xml:|:.*(wordprocessingml|externallink)[^:]*\+xml$", re.IGNORECASE)
_DDE = re.compile(r'[\s"]*DDE(AUTO)?\b', re.IGNORECASE)

MACROS = "The document contains macros."
REMOTE = "The document loads a template or other content from elsewhere when it is opened."
PROGRAM = "The document loads content from another program (DDE), which can start any program."
OBJECT = "The document contains an embedded object or control."


class _Relationship(NamedTuple):
    """`source` is the part that has it; `type` is the last segment of its type, in lower case."""

    source: str
    type: str
    target: str
    external: bool


class _PartTarget:
    """The target of `parse` for any part."""

    def start(self, tag: str, attributes: Mapping[str, str], /) -> None:
        raise NotImplementedError

    def doctype(self, *_: object) -> None:
        raise MalformedDocument("A part of the document has a document type declaration.")

    def close(self) -> None:
        return


class _ContentTypesTarget(_PartTarget):
    def __init__(self) -> None:
        self.by_name: dict[str, str] = {}
        self.by_extension: dict[str, str] = {}

    def start(self, _tag: str, attributes: Mapping[str, str], /) -> None:
        content_type = attributes.get("ContentType", "").lower()
        if "PartName" in attributes:
            self.by_name[attributes["PartName"].replace("\\", "/").lstrip("/").lower()] = content_type
        elif "Extension" in attributes:
            self.by_extension[attributes["Extension"].lower()] = content_type

    def of(self, name: str) -> str:
        return self.by_name.get(name.lower()) or self.by_extension.get(name.lower().rpartition(".")[2], "")


class _RelationshipsTarget(_PartTarget):
    def __init__(self, source: str) -> None:
        self._source = source
        self.found: list[_Relationship] = []

    def start(self, tag: str, attributes: Mapping[str, str], /) -> None:
        if not tag.endswith("}Relationship"):
            return
        of_type = attributes.get("Type", "").rstrip("/").rpartition("/")[2].lower()
        external = attributes.get("TargetMode", "").lower() == "external"
        self.found.append(_Relationship(self._source, of_type, attributes.get("Target", ""), external))


class _FieldsTarget(_PartTarget):
    """Finds DDE: in Word's field instructions, which may be spread over many runs, and in Excel's links."""

    def __init__(self) -> None:
        self.programs = False
        self._in_instruction = False
        self._instruction = ""

    def start(self, tag: str, attributes: Mapping[str, str], /) -> None:
        local = tag.rpartition("}")[2]
        self._in_instruction = local == "instrText"
        if local == "ddeLink":
            self.programs = True
        elif local == "fldSimple":
            self._test_instruction(next((value for name, value in attributes.items() if name.endswith("}instr")), ""))
        elif local == "fldChar":
            self._test_instruction(self._instruction)
            self._instruction = ""

    def data(self, text: str) -> None:
        if self._in_instruction:
            self._instruction = (self._instruction + text)[:4096]

    def end(self, _tag: str) -> None:
        self._in_instruction = False

    def close(self) -> None:
        self._test_instruction(self._instruction)

    def _test_instruction(self, instruction: str) -> None:
        self.programs = self.programs or bool(_DDE.match(instruction))


def examine_open_xml(package: Package, nested: Callable[[io.BytesIO, str], None], output: Output) -> None:
    """Examine one package; `nested` examines an embedded document, by its bytes and its name."""
    if len({name.lower() for name in package.names}) != len(package.names):
        raise MalformedDocument("Two parts of the document have the same name.")
    types = _ContentTypesTarget()
    listing = next(name for name in package.names if name.lower() == CONTENT_TYPES)
    parse(iter([package.read(listing, _INDEX_BYTES)]), types)
    relations = [
        relation for name in package.names if name.lower().endswith(".rels") for relation in _of(package, name)
    ]
    figures = _figures(relations, types, package)
    for found in (_macros(package, types, relations), _remote(relations), _objects(package, relations, figures)):
        for code, message in found:
            output.finding(code, message)
    _read_all(package, types, output)
    for name in sorted(figures):
        nested(io.BytesIO(package.read(name, _WORKBOOK_BYTES)), name)


def _of(package: Package, name: str) -> list[_Relationship]:
    folder, _, file = name.rpartition("/")
    relations = _RelationshipsTarget(posixpath.join(posixpath.dirname(folder), file[: -len(".rels")]))
    parse(iter([package.read(name, _INDEX_BYTES)]), relations)
    return relations.found


def _inside(relation: _Relationship) -> str:
    """The name, in lower case, of the part that an internal relationship leads to."""
    target = relation.target.replace("\\", "/").lower()
    base = "" if target.startswith("/") else posixpath.dirname(relation.source.lower())
    return posixpath.normpath(posixpath.join(base, target.lstrip("/"))).lstrip("/")


def _figures(relations: list[_Relationship], types: _ContentTypesTarget, package: Package) -> set[str]:
    """The names of the workbooks in which charts keep their figures."""
    wanted = {_inside(one) for one in relations if _of_chart(one, types)}
    return {name for name in package.names if name.lower() in wanted and next(package.pieces(name), b"")[:2] == b"PK"}


def _of_chart(relation: _Relationship, types: _ContentTypesTarget) -> bool:
    return relation.type == "package" and not relation.external and "chart" in types.of(relation.source)


def _macros(package: Package, types: _ContentTypesTarget, relations: list[_Relationship]) -> Iterator[tuple[str, str]]:
    types_of_relations = {one.type for one in relations}
    declared = any(_MACRO_CONTENT_TYPES.search(types.of(name)) or _MACRO_NAMES.search(name) for name in package.names)
    if declared or types_of_relations & _MACRO_TYPES:
        yield "macros", MACROS


def _remote(relations: list[_Relationship]) -> Iterator[tuple[str, str]]:
    for one in relations:
        fetches = is_network_share if one.type in _PICTURE_TYPES else is_remote
        if one.external and one.type != "hyperlink" and fetches(one.target):
            yield "remote_template", REMOTE


def _objects(package: Package, relations: list[_Relationship], figures: set[str]) -> Iterator[tuple[str, str]]:
    allowed = {name.lower() for name in figures}
    for one in relations:
        if one.type in _OBJECT_TYPES and not one.external and _inside(one) not in allowed:
            yield "embedded_object", OBJECT
    for name in package.names:
        if _OBJECT_NAMES.search(name) and name.lower() not in allowed:
            yield "embedded_object", OBJECT


def _read_all(package: Package, types: _ContentTypesTarget, output: Output) -> None:
    """Unpack every part, which tests its size and checksum. Texts and links are parsed for DDE."""
    programs = stray = False
    for name in package.names:
        if _FIELDS.search(f"{name}:{types.of(name)}"):
            fields = _FieldsTarget()
            parse(package.pieces(name), fields)
            programs = programs or fields.programs
        else:
            first = [piece[: len(OLE)] for piece in package.pieces(name)][:1]
            stray = stray or (first == [OLE] and not _known(name, types))
    if programs:
        output.finding("remote_template", PROGRAM)
    if stray:
        output.finding("embedded_object", OBJECT)


def _known(name: str, types: _ContentTypesTarget) -> bool:
    """Whether an OLE container is declared as one of those that already have a finding."""
    return bool(_OBJECT_NAMES.search(name) or _MACRO_NAMES.search(name) or _MACRO_CONTENT_TYPES.search(types.of(name)))
