"""The parser `office`: macros, content that a document loads when it is opened, and embedded objects.

Codes: `macros`, `remote_template`, `embedded_object`, `malformed` (rejected), `encrypted` (unscannable). The formats:
`documents.open_xml` (docx, xlsx, pptx), `documents.open_document` (odt, ods, odp), `documents.compound` (doc, xls,
ppt). Nothing is reported about a zip that is no document.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import BinaryIO

from workers.inspection.parsers.deduplicated import DeduplicatedOutput
from workers.inspection.parsers.documents.compound import COMPOUND_ERRORS, examine_compound
from workers.inspection.parsers.documents.open_document import examine_open_document, is_open_document
from workers.inspection.parsers.documents.open_xml import CONTENT_TYPES, OLE, examine_open_xml
from workers.inspection.parsers.documents.package import (
    PACKAGE_ERRORS,
    EncryptedDocument,
    MalformedDocument,
    Package,
)
from workers.inspection.parsers.port import LimitExceeded, Output

MODULES: Sequence[str] = ("lxml.etree", "olefile", "encodings.cp437", "encodings.utf_16_le")
DEFAULTS: Mapping[str, int] = MappingProxyType({"office_entries": 10_000, "office_bytes": 1 << 30})

_ZIP = b"PK\x03\x04"
# How documents begin. A zip without a readable directory can be recognised as a document by this alone.
_DOCUMENT = re.compile(rb"\[Content_Types\]\.xml|_rels/\.rels|docProps/|mimetypeapplication/vnd\.(oasis|sun)\.")
# The workbook of a chart may have charts itself; deeper nesting does not occur in real documents.
_MAX_DEPTH = 3
_BROKEN = "The document is broken, and programs may read it differently."


def recognises(head: bytes) -> bool:
    """Whether `head` begins a zip or an OLE container. More cannot be seen in the first bytes."""
    return head.startswith((_ZIP, OLE))


def examine(file: BinaryIO, size: int, limits: Mapping[str, int], output: Output) -> None:
    """Examine one document (see `workers.inspection.parsers.port.Parser`)."""
    file.seek(0)
    head = file.read(4096)
    output = DeduplicatedOutput(output)
    try:
        if head.startswith(_ZIP):
            _zip(file, limits, output)
        elif head.startswith(OLE):
            _compound(file, size, limits, output)
    except EncryptedDocument:
        output.finding("encrypted", "The document is encrypted and needs a password.")
    except MalformedDocument as error:
        output.finding("malformed", str(error))


def _compound(file: BinaryIO, size: int, limits: Mapping[str, int], output: Output) -> None:
    try:
        examine_compound(file, size, limits, output)
    except RecursionError:
        raise
    except COMPOUND_ERRORS as error:
        raise MalformedDocument(_BROKEN) from error


def _zip(file: BinaryIO, limits: Mapping[str, int], output: Output) -> None:
    try:
        package = Package(file, limits)
    except PACKAGE_ERRORS as error:
        file.seek(0)
        if _DOCUMENT.search(file.read(4096)):
            raise MalformedDocument(_BROKEN) from error
        return
    try:
        _package(package, limits, output, 0)
    finally:
        package.close()


def _package(package: Package, limits: Mapping[str, int], output: Output, depth: int) -> None:
    """Examine one package, by the rules of each format that it claims to be."""
    try:
        by_relationships = any(name.lower() == CONTENT_TYPES for name in package.names)
        by_manifest = is_open_document(package)
        if by_relationships or by_manifest:
            package.check()
        if by_relationships:
            examine_open_xml(
                package, lambda file, name: _nested_document(file, name, limits, output, depth + 1), output
            )
        if by_manifest:
            examine_open_document(package, output)
    except RecursionError:
        raise
    except PACKAGE_ERRORS as error:
        raise MalformedDocument(_BROKEN) from error


def _nested_document(file: BinaryIO, name: str, limits: Mapping[str, int], output: Output, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise LimitExceeded(f"Documents are nested more than {_MAX_DEPTH} deep in the document.")
    try:
        package = Package(file, limits)
    except PACKAGE_ERRORS as error:
        raise MalformedDocument(_BROKEN) from error
    _package(package, limits, DeduplicatedOutput(output, f"In {name}: "), depth)
