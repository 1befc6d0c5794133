"""The examiner `office`: documents of office programs, for what they do when they are opened or clicked.

| format | read by |
| --- | --- |
| docx, xlsx, pptx, vsdx, their templates, macro types and xlsb | `documents.open_xml` |
| odt, ods, odp, odg and their templates | `documents.open_document` |
| doc, xls, ppt; other OLE containers as far as they are known | `documents.ole` |
| RTF | `documents.rtf` |
| EPUB | `documents.epub` |

A document within a document is a member, or is examined in its place where it is a storage of an OLE container.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import BinaryIO

from workers.inspection.parsers import markup
from workers.inspection.parsers.deduplicated import DeduplicatedOutput
from workers.inspection.parsers.documents.epub import examine_epub
from workers.inspection.parsers.documents.macos_parts import set_aside_macos_parts
from workers.inspection.parsers.documents.ole.document import BROKEN, examine_compound
from workers.inspection.parsers.documents.open_document import examine_open_document
from workers.inspection.parsers.documents.open_xml.examine import examine_open_xml
from workers.inspection.parsers.documents.open_xml.index import CONTENT_TYPES
from workers.inspection.parsers.documents.package import PACKAGE_ERRORS, EncryptedDocument, MalformedDocument, Package
from workers.inspection.parsers.documents.rtf.examine import examine_rtf
from workers.inspection.parsers.port import Output
from workers.inspection.readings import Reading

MODULES: Sequence[str] = (
    "lxml.etree", "olefile", "tinycss2", "encodings.cp437", "encodings.cp1252", "encodings.utf_16_le",
    "encodings.mac_roman",
    *markup.MODULES,
)  # fmt: skip
DEFAULTS: Mapping[str, int] = MappingProxyType({"office_entries": 10_000, "office_bytes": 1 << 30})

_RTF = "application/rtf"
_EPUB = "application/epub+zip"
_ENCRYPTED = "application/x-tika-ooxml-protected"
_COMPOUND = frozenset(
    {"application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint", "application/vnd.visio",
     "application/x-ole-storage", _ENCRYPTED}
)  # fmt: skip


def examine(file: BinaryIO, size: int, reading: Reading, limits: Mapping[str, int], output: Output) -> None:
    """Examine one document (see `workers.inspection.parsers.port.Examiner`)."""
    output = DeduplicatedOutput(output)
    try:
        if reading.media_type == _RTF:
            examine_rtf(file, size, reading.start, limits, output)
        elif reading.media_type in _COMPOUND:
            examine_compound(file, size, limits, output)
        else:
            _zip(file, reading, limits, output)
    except EncryptedDocument:
        output.finding("encrypted", "The document is encrypted and needs a password.")
    except MalformedDocument as error:
        output.finding("malformed", str(error))


def _zip(file: BinaryIO, reading: Reading, limits: Mapping[str, int], output: Output) -> None:
    try:
        package = Package(file, limits, reading.start)
        try:
            package.check(output)
            set_aside_macos_parts(package, output)
            for examine_format in _formats(package, reading, limits):
                examine_format(package, output)
        finally:
            package.close()
    except RecursionError:
        raise
    except PACKAGE_ERRORS as error:
        raise MalformedDocument(BROKEN) from error


def _formats(package: Package, reading: Reading, limits: Mapping[str, int]) -> list[Callable[[Package, Output], None]]:
    """The rules of each format that the package can be opened as: that of its type, and those that its parts tell."""
    found: list[Callable[[Package, Output], None]] = []
    names = {name.lower() for name in package.names}
    if CONTENT_TYPES in names:
        found.append(lambda parts, output: examine_open_xml(parts, limits, output))
    if reading.media_type == _EPUB or "meta-inf/container.xml" in names:
        found.append(examine_epub)
    if "opendocument" in reading.media_type or (not found and "content.xml" in names):
        found.append(lambda parts, output: examine_open_document(parts, limits, output))
    if not found:
        raise MalformedDocument("The document has none of the parts that its format requires.")
    return found
