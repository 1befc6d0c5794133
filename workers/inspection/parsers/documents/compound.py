"""OLE2 containers ([MS-CFB]): the office formats before 2007 (doc, xls, ppt), and encrypted newer ones.

Sources: [MS-DOC] 2.5 (the FIB), [MS-XLS] 2.4 (records), [MS-PPT] 2.3 and 2.4, [MS-OVBA] 2.2, [MS-OFFCRYPTO] 2.3. Any
other container (an installer, a mail) is only tested for macros.
"""

import re
import struct
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, BinaryIO

from workers.inspection.parsers.documents.open_xml import MACROS, OBJECT, PROGRAM, REMOTE
from workers.inspection.parsers.documents.package import EncryptedDocument, MalformedDocument
from workers.inspection.parsers.documents.references import is_remote
from workers.inspection.parsers.port import LimitExceeded, Output

if TYPE_CHECKING:
    import olefile  # type: ignore[import-untyped]  # it has no types

# The limit for the main stream of a document, which is read into memory. Images are mostly in other streams.
_STREAM_BYTES = 256 << 20
_RECORDS = 5_000_000

_MACRO_PARTS = frozenset({"macros", "vba", "_vba_project", "_vba_project_cur"})
_OBJECT_PARTS = re.compile(r"(MBD|LNK)[0-9A-F]{8}|Ctls|\x01Ole10Native|Package|ObjectPool/.+", re.IGNORECASE)
_DDE = re.compile(rb'\x13[\s"]*DDE(AUTO)?\b|\x13\0([\s"]\0)*D\0D\0E\0', re.IGNORECASE)

# Defects that olefile accepts, but with which two programs may read two different documents.
_AMBIGUOUS = re.compile("Duplicate filename|referenced more than once")

_FIB_ENCRYPTED, _FIB_TABLE_1 = 0x0100, 0x0200
_FIB_STRINGS = 0x019A  # fcSttbfAssoc, lcbSttbfAssoc
_ENCRYPTED_TOKEN = 0xF3D1C4DF  # of a CurrentUserAtom

_SHEET, _FILE_PASS, _SUP_BOOK, _EOF = 0x0085, 0x002F, 0x01AE, 0x000A
_MACRO_SHEETS = frozenset({1, 6})  # Excel 4.0 macros, and a Visual Basic module of Excel 5
_VBA_INFO = 0x0400
_PPT_OBJECTS = frozenset({0x0FCC, 0x0FCE, 0x0FEE})  # embedded and linked objects, controls

Findings = Iterator[tuple[str, str]]

COMPOUND_ERRORS = (OSError, ValueError, IndexError, KeyError, TypeError, AttributeError, ArithmeticError, struct.error)
"""What olefile raises for a malformed container."""


def examine_compound(file: BinaryIO, size: int, limits: Mapping[str, int], output: Output) -> None:
    """Examine one container of `size` bytes.

    Raises LimitExceeded, EncryptedDocument, MalformedDocument and what COMPOUND_ERRORS lists.
    """
    import olefile

    file.seek(0)
    container = olefile.OleFileIO(file)
    try:
        if len(container.direntries) > limits["office_entries"]:
            raise LimitExceeded(f"The document has more than {limits['office_entries']:,} parts.")
        for code, message in _findings(container, size):
            output.finding(code, message)
    finally:
        container.close()


def _findings(container: "olefile.OleFileIO", size: int) -> Findings:
    if any(_AMBIGUOUS.search(message) for _, message in container.parsing_issues):
        raise MalformedDocument("The document's storages are not a tree.")
    paths = list(_paths(container))
    tops = {path.lower() for path in paths}
    if "encryptedpackage" in tops or "\x06dataspaces" in tops:
        raise EncryptedDocument
    if any(_MACRO_PARTS.intersection(path.lower().split("/")) for path in paths):
        yield "macros", MACROS
    readers = {"worddocument": _word, "workbook": _excel, "book": _excel, "powerpoint document": _powerpoint}
    for name in tops & readers.keys():
        yield from readers[name](container, name, size)
    if tops & readers.keys() and any(_is_object(path) for path in paths):
        yield "embedded_object", OBJECT


def _paths(container: "olefile.OleFileIO") -> Iterator[str]:
    """The paths of all storages and streams. olefile's own walk is endless where a folder leads back to the root."""
    waiting, seen = [("", container.root)], {container.root.sid}
    while waiting:
        above, folder = waiting.pop()
        for entry in folder.kids:
            if entry.sid in seen:
                raise MalformedDocument("The document's storages are not a tree.")
            seen.add(entry.sid)
            yield f"{above}{entry.name}"
            waiting.append((f"{above}{entry.name}/", entry))


def _is_object(path: str) -> bool:
    return bool(_OBJECT_PARTS.fullmatch(path) or _OBJECT_PARTS.fullmatch(path.rpartition("/")[2]))


def _stream(container: "olefile.OleFileIO", name: str, size: int) -> bytes:
    # The size in the directory may be false, and olefile would allocate it.
    if container.get_size(name) > size:
        raise ValueError("a stream is larger than the file")
    if container.get_size(name) > _STREAM_BYTES:
        raise LimitExceeded(f"A part of the document has more than {_STREAM_BYTES:,} bytes.")
    content: bytes = container.openstream(name).read()
    return content


def _word(container: "olefile.OleFileIO", name: str, size: int) -> Findings:
    text = _stream(container, name, size)
    flags = struct.unpack_from("<H", text, 0x0A)[0]
    if flags & _FIB_ENCRYPTED:
        raise EncryptedDocument
    if _DDE.search(text):
        yield "remote_template", PROGRAM
    table = "1Table" if flags & _FIB_TABLE_1 else "0Table"
    if container.exists(table) and is_remote(_attached_template(text, _stream(container, table, size))):
        yield "remote_template", REMOTE


def _attached_template(text: bytes, table: bytes) -> str:
    """The path of the attached template: the second of the associated strings ([MS-DOC] 2.9.288); empty without one."""
    if len(text) < _FIB_STRINGS + 8:
        return ""
    start, length = struct.unpack_from("<II", text, _FIB_STRINGS)
    strings = table[start : start + length]
    if len(strings) < 8 or strings[:2] != b"\xff\xff":
        return ""
    at = 6
    at += 2 + 2 * struct.unpack_from("<H", strings, at)[0]
    if at + 2 > len(strings):
        return ""
    characters = struct.unpack_from("<H", strings, at)[0]
    return strings[at + 2 : at + 2 + 2 * characters].decode("utf-16-le", "replace")


def _excel(container: "olefile.OleFileIO", name: str, size: int) -> Findings:
    for record_type, body in _excel_globals(_stream(container, name, size)):
        if record_type == _FILE_PASS:
            raise EncryptedDocument
        if record_type == _SHEET and len(body) > 5 and body[5] in _MACRO_SHEETS:
            yield "macros", MACROS
        elif record_type == _SUP_BOOK:
            yield from _linked_book(body)


def _excel_globals(stream: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(stream):
        record_type, length = struct.unpack_from("<HH", stream, at)
        if record_type == _EOF:
            return
        yield record_type, stream[at + 4 : at + 4 + length]
        at += 4 + length


def _linked_book(body: bytes) -> Findings:
    """[MS-XLS] 2.4.271: a path begins with 1; 5 follows for a web address, 1 and @ for a share. Others are programs."""
    if len(body) < 5 or struct.unpack_from("<H", body, 2)[0] > 0xFF:
        return
    path = body[5:].decode("utf-16-le" if body[4] & 1 else "latin-1", "replace")
    if path.startswith(("\x01\x05", "\x01\x01@")):
        yield "remote_template", REMOTE
    elif path[:1] > "\x02" and "\x03" in path:
        yield "remote_template", PROGRAM


def _powerpoint(container: "olefile.OleFileIO", name: str, size: int) -> Findings:
    if container.exists("Current User"):
        user = _stream(container, "Current User", size)
        if len(user) >= 16 and struct.unpack_from("<I", user, 12)[0] == _ENCRYPTED_TOKEN:
            raise EncryptedDocument
    for record_type, body in _powerpoint_records(_stream(container, name, size)):
        if record_type == _VBA_INFO and len(body) >= 8 and struct.unpack_from("<I", body, 4)[0]:
            yield "macros", MACROS
        elif record_type in _PPT_OBJECTS:
            yield "embedded_object", OBJECT


def _powerpoint_records(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """All records, also those inside containers (version 15), of which only the header is skipped."""
    at = count = 0
    while at + 8 <= len(stream):
        version, record_type, length = struct.unpack_from("<HHI", stream, at)
        is_container = version & 0xF == 0xF
        yield record_type, b"" if is_container else stream[at + 8 : at + 8 + min(length, 16)]
        at += 8 if is_container else 8 + length
        count += 1
        if count > _RECORDS:
            raise LimitExceeded(f"The presentation has more than {_RECORDS:,} records.")
