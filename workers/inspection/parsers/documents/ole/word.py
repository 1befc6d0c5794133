"""Word's documents before 2007 ([MS-DOC]): fields, the attached template, links."""

import itertools
import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from workers.inspection.parsers.documents.field_codes import ACTIVE, Fields
from workers.inspection.parsers.documents.ole.container import Storage
from workers.inspection.parsers.documents.ole.drawings import linked_by_word
from workers.inspection.parsers.documents.ole.monikers import report_links
from workers.inspection.parsers.documents.package import EncryptedDocument
from workers.inspection.parsers.documents.references import loaded, merged, shown
from workers.inspection.parsers.port import LimitExceeded, Output

_ENCRYPTED, _TABLE_1 = 0x0100, 0x0200
_WORD_97 = 0x00C1
# Types of fields that fetch or start, and of controls (2.9.90): INCLUDE, DATA, DDE, DDEAUTO, PRINT, INCLUDETEXT,
# DATABASE; CONTROL, HTMLCONTROL. Their text may say another.
_ACTIVE_TYPES = frozenset({0x24, 0x28, 0x2D, 0x2E, 0x30, 0x44, 0x4E})
_CONTROL_TYPES = frozenset({0x57, 0x5B})
_TEXT = 0x18  # fcMin, fcMac of the versions before 97, which keep the text in one run until it is changed
_TEMPLATE, _DATA_SOURCE, _HEADER_SOURCE = 1, 8, 9  # places among the associated strings (2.9.274)
# Characters of text for each byte of the stream: pieces of a broken file may overlap.
_MOST_TEXT = 4
_FILE_NAMES = 0x02DA  # fcSttbFnm, since 97 (2.5.6)
_MARKS = re.compile("([\x13\x14\x15])")


class _Places(NamedTuple):
    """Where the FIB has the offset and the length of: the associated strings, the table of pieces, and the tables of
    fields by part of the document (main text, headers, notes, comments, text boxes …).
    """

    strings: int
    pieces: int
    fields: tuple[int, ...]


_SINCE_97 = _Places(0x019A, 0x01A2, (0x011A, 0x0122, 0x012A, 0x0132, 0x013A, 0x021A, 0x0262, 0x0272))
_BEFORE_97 = _Places(0x0158, 0x0160, (0x00D8, 0x00E0, 0x00E8, 0x00F0, 0x00F8))


def examine_word(storage: Storage, output: Output) -> None:
    """Examine the streams of one document. Raises EncryptedDocument, and ValueError or struct.error where broken."""
    document = storage.read("WordDocument")
    version, flags = struct.unpack_from("<H", document, 2)[0], struct.unpack_from("<H", document, 0x0A)[0]
    if flags & _ENCRYPTED:
        raise EncryptedDocument
    is_old = version < _WORD_97
    name = "1Table" if flags & _TABLE_1 else "0Table"
    # Versions before 97 keep the tables in the document itself.
    table = document if is_old else storage.read(name) if storage.has(name) else b""
    places = _BEFORE_97 if is_old else _SINCE_97
    if is_old or not table:
        _fields(_run(document), output)
    if pieces := _part(document, table, places.pieces):
        _fields("".join(_pieces(document, pieces, is_old=is_old)), output)
    elif not is_old and table:
        raise ValueError("the table of pieces is missing")
    _report_types(set(_field_types(document, table, places)), output)
    _report_strings(list(_strings(_part(document, table, places.strings))), output)
    for name in () if is_old else _file_names(_part(document, table, _FILE_NAMES)):
        loaded(name, output)
    data = storage.read("Data") if storage.has("Data") else b""
    for stream in (document, table, data):
        report_links(stream, output)
    for address in linked_by_word(data):
        shown(address, output)


def _part(document: bytes, table: bytes, place: int) -> bytes:
    """What the FIB names at `place`, of the stream with the tables; nothing where the FIB ends before."""
    start, length = struct.unpack_from("<LL", document, place) if place + 8 <= len(document) else (0, 0)
    return table[start : start + length]


def _report_types(types: set[int], output: Output) -> None:
    if types & _ACTIVE_TYPES:
        output.finding("active_field", ACTIVE)
    if types & _CONTROL_TYPES:
        output.finding("embedded_object", "The document contains a control.")


def _report_strings(strings: list[str], output: Output) -> None:
    """Report the template, which is loaded with the document, and the files of a mail merge."""
    loaded("".join(strings[_TEMPLATE : _TEMPLATE + 1]), output)
    for path in strings[_DATA_SOURCE : _HEADER_SOURCE + 1]:
        merged(path, output)


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


def _pieces(document: bytes, clx: bytes, *, is_old: bool) -> Iterator[str]:
    """All texts (the main one, notes, headers) in their order, by the table of pieces (2.4.1, 2.8.35)."""
    at = 0
    while clx[at : at + 1] == b"\1":
        at += 3 + int.from_bytes(clx[at + 1 : at + 3], "little")
    if clx[at : at + 1] != b"\2":
        raise ValueError("the table of pieces is missing")
    pieces = clx[at + 5 : at + 5 + int.from_bytes(clx[at + 1 : at + 5], "little")]
    count = (len(pieces) - 4) // 12
    ends = struct.unpack_from(f"<{count + 1}L", pieces)
    if sum(max(0, end - start) for start, end in itertools.pairwise(ends)) > _MOST_TEXT * (len(document) + 1):
        raise LimitExceeded("The pieces of the document's text are larger than the document.")
    for number in range(count):
        (place,) = struct.unpack_from("<L", pieces, 4 * count + 4 + 8 * number + 2)
        length = max(0, ends[number + 1] - ends[number])
        if is_old or place & 0x40000000:
            first = place if is_old else (place & 0x3FFFFFFF) // 2
            yield document[first : first + length].decode("cp1252", "replace")
        else:
            yield document[place : place + 2 * length].decode("utf-16-le", "replace")


def _field_types(document: bytes, table: bytes, places: _Places) -> Iterator[int]:
    """The types of all fields (2.8.25): positions of four bytes, then a mark and its type for each but the last."""
    for at in places.fields:
        plc = _part(document, table, at)
        marks = plc[4 * ((len(plc) - 4) // 6) + 4 :] if len(plc) > 4 else b""
        yield from (kind for mark, kind in zip(marks[::2], marks[1::2], strict=False) if mark & 0x1F == 0x13)


def _run(document: bytes) -> str:
    first, end = struct.unpack_from("<LL", document, _TEXT)
    return document[first:end].decode("cp1252", "replace")


def _file_names(table: bytes) -> Iterator[str]:
    """The files of subdocuments and frames (2.9.289): texts in Unicode, each with data of its kind behind it."""
    extra = int.from_bytes(table[4:6], "little")
    at = 6
    while at + 2 <= len(table):
        end = at + 2 + 2 * int.from_bytes(table[at : at + 2], "little")
        yield table[at + 2 : end].decode("utf-16-le", "replace").rstrip("\0")
        at = end + extra


def _strings(table: bytes) -> Iterator[str]:
    """The associated strings: since 97 in Unicode behind a head of six bytes, before behind the size of all of them."""
    wide = table[:2] == b"\xff\xff"
    at, head = (6, 2) if wide else (2, 1)
    while at + head <= len(table):
        length = int.from_bytes(table[at : at + head], "little") * (1 + wide)
        at += head
        yield table[at : at + length].decode("utf-16-le" if wide else "cp1252", "replace")
        at += length
