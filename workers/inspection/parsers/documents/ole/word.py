"""Word's documents before 2007 ([MS-DOC]): fields, the attached template, links."""

import re
import struct
from collections.abc import Iterator

from workers.inspection.parsers.documents.field_codes import ACTIVE, Fields
from workers.inspection.parsers.documents.ole.container import Storage
from workers.inspection.parsers.documents.ole.drawings import linked_by_word
from workers.inspection.parsers.documents.ole.monikers import report_links
from workers.inspection.parsers.documents.package import EncryptedDocument
from workers.inspection.parsers.documents.references import loaded, shown
from workers.inspection.parsers.port import Output

_ENCRYPTED, _TABLE_1 = 0x0100, 0x0200
_WORD_97 = 0x00C1
_STRINGS = 0x019A  # fcSttbfAssoc, lcbSttbfAssoc
_PIECES = 0x01A2  # fcClx, lcbClx
# The places of the tables of fields in the FIB, by part of the document (main text, headers, notes, text boxes …), and
# the types of fields that fetch or start (2.9.90): INCLUDE, DDE, DDEAUTO, INCLUDETEXT. Their text may say another.
_FIELD_TABLES = (0x011A, 0x0122, 0x012A, 0x0132, 0x013A, 0x0222, 0x025A, 0x0262)
_ACTIVE_TYPES = frozenset({0x24, 0x2D, 0x2E, 0x44})
_TEXT = 0x18  # fcMin, fcMac of the versions before 97, which keep the text in one run
_MARKS = re.compile("([\x13\x14\x15])")


def examine_word(storage: Storage, output: Output) -> None:
    """Examine the streams of one document. Raises EncryptedDocument, and ValueError or struct.error where broken."""
    document = storage.read("WordDocument")
    version, flags = struct.unpack_from("<H", document, 2)[0], struct.unpack_from("<H", document, 0x0A)[0]
    if flags & _ENCRYPTED:
        raise EncryptedDocument
    name = "1Table" if flags & _TABLE_1 else "0Table"
    table = storage.read(name) if storage.has(name) else b""
    _fields(_text(document, table) if version >= _WORD_97 and table else _old_text(document), output)
    if version >= _WORD_97 and _ACTIVE_TYPES & set(_field_types(document, table)):
        output.finding("active_field", ACTIVE)
    loaded(_attached_template(document, table), output)
    data = storage.read("Data") if storage.has("Data") else b""
    for stream in (document, table, data):
        report_links(stream, output)
    for address in linked_by_word(data):
        shown(address, output)


def _fields(text: str, output: Output) -> None:
    fields = Fields(output)
    for piece in _MARKS.split(text):
        if piece == "\x13":
            fields.begin()
        elif piece == "\x14":
            fields.separate()
        elif piece == "\x15":
            fields.end()
        elif fields.in_instruction:
            fields.text(piece)
    fields.close()


def _text(document: bytes, table: bytes) -> str:
    """All texts (the main one, notes, headers) in their order, by the table of pieces (2.4.1, 2.8.35)."""
    start, length = struct.unpack_from("<LL", document, _PIECES)
    return "".join(_pieces(document, table[start : start + length]))


def _pieces(document: bytes, clx: bytes) -> Iterator[str]:
    at = 0
    while clx[at : at + 1] == b"\1":
        at += 3 + int.from_bytes(clx[at + 1 : at + 3], "little")
    if clx[at : at + 1] != b"\2":
        raise ValueError("the table of pieces is missing")
    pieces = clx[at + 5 : at + 5 + int.from_bytes(clx[at + 1 : at + 5], "little")]
    count = (len(pieces) - 4) // 12
    ends = struct.unpack_from(f"<{count + 1}L", pieces)
    for number in range(count):
        place = int.from_bytes(pieces[4 * count + 4 + 8 * number + 2 :][:4], "little")
        length = max(0, ends[number + 1] - ends[number])
        if place & 0x40000000:
            first = (place & 0x3FFFFFFF) // 2
            yield document[first : first + length].decode("cp1252", "replace")
        else:
            yield document[place : place + 2 * length].decode("utf-16-le", "replace")


def _field_types(document: bytes, table: bytes) -> Iterator[int]:
    """The types of all fields (2.8.25): positions of four bytes, then a mark and its type for each but the last."""
    for at in _FIELD_TABLES:
        if at + 8 <= len(document):
            start, length = struct.unpack_from("<LL", document, at)
            plc = table[start : start + length]
            marks = plc[4 * ((len(plc) - 4) // 6) + 4 :] if len(plc) > 4 else b""
            yield from (kind for mark, kind in zip(marks[::2], marks[1::2], strict=False) if mark & 0x1F == 0x13)


def _old_text(document: bytes) -> str:
    first, end = struct.unpack_from("<LL", document, _TEXT)
    return document[first:end].decode("cp1252", "replace")


def _attached_template(document: bytes, table: bytes) -> str:
    """The path of the attached template: the second of the associated strings ([MS-DOC] 2.9.288); "" without one."""
    if len(document) < _STRINGS + 8:
        return ""
    start, length = struct.unpack_from("<LL", document, _STRINGS)
    strings = table[start : start + length]
    if len(strings) < 8 or strings[:2] != b"\xff\xff":
        return ""
    at = 6
    at += 2 + 2 * int.from_bytes(strings[at : at + 2], "little")
    characters = int.from_bytes(strings[at : at + 2], "little")
    return strings[at + 2 : at + 2 + 2 * characters].decode("utf-16-le", "replace")
