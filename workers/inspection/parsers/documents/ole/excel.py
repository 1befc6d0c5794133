"""Excel's workbooks before 2007 ([MS-XLS]): records of the globals and of each sheet, found as Excel finds them."""

import struct
from collections.abc import Callable, Iterator, Mapping

from workers.inspection.parsers.documents.formulas import ACTIVE, is_active
from workers.inspection.parsers.documents.ole.container import Storage
from workers.inspection.parsers.documents.ole.expressions import report_expression
from workers.inspection.parsers.documents.ole.monikers import report_links
from workers.inspection.parsers.documents.ole.vba import MACROS
from workers.inspection.parsers.documents.package import EncryptedDocument
from workers.inspection.parsers.documents.references import REFRESHED, asked_for, is_remote, queried
from workers.inspection.parsers.port import Output

_BEGIN, _END, _SHEET, _FILE_PASS = 0x0809, 0x000A, 0x0085, 0x002F
_PIVOT_SOURCE, _PIVOT_CACHE = 0x00E3, 0x00C6
_DRAWINGS, _CONTINUED = frozenset({0x00EB, 0x00EC}), 0x003C
_MACRO_SHEETS = frozenset({1, 6})  # Excel 4.0 macros, and a Visual Basic module of Excel 5
_MACRO_KINDS = frozenset({0x0006, 0x0040})  # the same, as the beginning of the sheet says
_BIFF_8 = 0x0600
_AUTOMATIC = frozenset({1, 2, 10, 11})  # built-in names: Auto_Open, Auto_Close, Auto_Activate, Auto_Deactivate
_EXTERNAL = 2


def examine_excel(storage: Storage, name: str, output: Output) -> None:
    """Examine the stream `name` of one workbook. Raises EncryptedDocument, and struct.error where it is broken."""
    stream = storage.read(name)
    workbook = _Workbook(stream, output)
    workbook.examine()
    report_links(stream, output)
    report_links(bytes(workbook.drawings), output)
    if workbook.external_pivots and any(_refreshes_pivot(each) for each in _pivot_caches(storage)):
        output.finding("external_data", REFRESHED)
    if storage.has("Ctls"):
        output.finding("embedded_object", "The workbook contains a control.")


def _pivot_caches(storage: Storage) -> Iterator[bytes]:
    for name in ("_sx_db_cur", "_sx_db"):
        if folder := storage.storages.get(name):
            yield from map(folder.read, sorted(folder.streams))


def _refreshes_pivot(cache: bytes) -> bool:
    """[MS-XLS] 2.4.275: the flags behind the count of records and the number of the stream."""
    kind, length = struct.unpack_from("<HH", cache) if len(cache) >= 12 else (0, 0)
    return kind == _PIVOT_CACHE and length >= 8 and bool(int.from_bytes(cache[10:12], "little") & 4)


class _Workbook:
    def __init__(self, stream: bytes, output: Output) -> None:
        self._stream = stream
        self._output = output
        self._biff_8 = int.from_bytes(stream[4:6], "little") >= _BIFF_8  # by the workbook's own beginning, the first
        self._sheets: set[int] = set()
        self.external_pivots = False
        self.drawings = bytearray()
        self._rules: Mapping[int, Callable[[bytes], None]] = {
            _BEGIN: self._begin, _SHEET: self._sheet, 0x01AE: self._linked_book, 0x0017: self._linked_sheet,
            0x0023: self._external_name, 0x0018: self._name, 0x0006: self._cell, 0x0406: self._cell, 0x0206: self._cell,
            0x04BC: self._shared, 0x0221: self._array, 0x0876: self._connection, 0x01AD: self._query,
            0x0803: self._query_settings, 0x0813: self._real_time, 0x0051: self._source, 0x0052: self._named_source,
            0x01B5: self._built_in_source, _PIVOT_SOURCE: self._pivot_source,
        }  # fmt: skip

    def examine(self) -> None:
        self._substream(0)
        for start in sorted(self._sheets):
            self._substream(start)

    def _substream(self, start: int) -> None:
        """From a beginning to its end; charts begin and end within a sheet."""
        depth, drawn = 0, False
        for kind, body in self._records(start):
            if kind == _FILE_PASS:
                raise EncryptedDocument
            drawn = kind in _DRAWINGS or (drawn and kind == _CONTINUED)
            if drawn:
                self.drawings += body
            depth += (kind == _BEGIN) - (kind == _END)
            if kind in self._rules:
                self._rules[kind](body)
            if kind == _END and depth <= 0:
                return

    def _records(self, at: int) -> Iterator[tuple[int, bytes]]:
        while at + 4 <= len(self._stream):
            kind, length = struct.unpack_from("<HH", self._stream, at)
            yield kind, self._stream[at + 4 : at + 4 + length]
            at += 4 + length

    def _begin(self, body: bytes) -> None:
        if int.from_bytes(body[2:4], "little") in _MACRO_KINDS:
            self._macros()

    def _sheet(self, body: bytes) -> None:
        if len(body) > 5:
            self._sheets.add(int.from_bytes(body[:4], "little"))
            if body[5] in _MACRO_SHEETS:
                self._macros()

    def _macros(self) -> None:
        self._output.finding("macros", MACROS)

    def _linked_book(self, body: bytes) -> None:
        """[MS-XLS] 2.4.271 and 2.5.277: the encoded path of a workbook, or a program, a bar (3) and a topic."""
        if len(body) < 5 or struct.unpack_from("<H", body, 2)[0] > 0xFF:
            return
        path = body[5:].decode("utf-16-le" if body[4] & 1 else "latin-1", "replace")
        self._path(path[: int.from_bytes(body[2:4], "little")])

    def _linked_sheet(self, body: bytes) -> None:
        """The same in versions before 97; there, 3 before the name means the workbook itself."""
        if not self._biff_8 and len(body) > 1:
            path = body[1 : 1 + body[0]] if body[1] != 3 else b""
            self._path(path.decode("latin-1"))

    def _path(self, path: str) -> None:
        if path[:1] > "\x04" and "\x03" in path:
            self._output.finding("active_formula", ACTIVE)
        elif path.startswith("\x01"):
            asked_for(_decoded(path), self._output)
        elif path[:1] > "\x04":
            asked_for(path, self._output)

    def _external_name(self, body: bytes) -> None:
        if len(body) > 7 and is_active(_short_string(body[6:])):
            self._output.finding("active_formula", ACTIVE)

    def _name(self, body: bytes) -> None:
        """A defined name (2.4.150): one that runs by itself, or an expression that acts."""
        if len(body) < 15:
            return
        flags, _, characters, size = struct.unpack_from("<HBBH", body)
        at = 14 + self._biff_8
        if flags & 0x20 and characters == 1 and body[at : at + 1] and body[at] in _AUTOMATIC:
            self._macros()
        wide = self._biff_8 and bool(body[14] & 1)
        text = body[at : at + characters * (1 + wide)].decode("utf-16-le" if wide else "latin-1", "replace")
        if is_active(text) and text.upper().startswith("_XLFN."):
            self._output.finding("active_formula", ACTIVE)
        report_expression(body[at + characters * (1 + wide) :][:size], self._output)

    def _cell(self, body: bytes) -> None:
        if self._biff_8 and len(body) > 22:
            report_expression(body[22 : 22 + int.from_bytes(body[20:22], "little")], self._output)

    def _shared(self, body: bytes) -> None:
        report_expression(body[10 : 10 + int.from_bytes(body[8:10], "little")], self._output)

    def _array(self, body: bytes) -> None:
        report_expression(body[14 : 14 + int.from_bytes(body[12:14], "little")], self._output)

    def _connection(self, body: bytes) -> None:
        """DConn (2.4.91): bit 7 of its flags refreshes it when the workbook is opened."""
        queried(self._output, refreshes=len(body) >= 8 and bool(body[6] & 0x80))

    def _query(self, body: bytes) -> None:
        """Qsi (2.4.208): bit 5, fAutoRefresh."""
        queried(self._output, refreshes=len(body) >= 2 and bool(body[0] & 0x20))

    def _query_settings(self, body: bytes) -> None:
        """DBQueryExt (2.4.89): the minutes after which the query is refreshed by itself."""
        if any(body[22:24]):
            queried(self._output, refreshes=True)

    def _real_time(self, _body: bytes) -> None:
        self._output.finding("active_formula", ACTIVE)

    def _source(self, body: bytes) -> None:
        """DConRef (2.4.86): a range of six bytes, and the workbook with what is consolidated or in a pivot table."""
        self._source_path(body, 6)

    def _named_source(self, body: bytes) -> None:
        """DConName (2.4.85): a name, then the workbook."""
        wide = body[2:3] == b"\1"
        self._source_path(body, 3 + int.from_bytes(body[:2], "little") * (1 + wide))

    def _built_in_source(self, body: bytes) -> None:
        """DConBin (2.4.84): the number of a built-in name and three bytes more, then the workbook."""
        self._source_path(body, 4)

    def _source_path(self, body: bytes, at: int) -> None:
        length, wide = int.from_bytes(body[at : at + 2], "little"), body[at + 2 : at + 3] == b"\1"
        path = body[at + 3 : at + 3 + length * (1 + wide)].decode("utf-16-le" if wide else "latin-1", "replace")
        self._path(path)
        self.external_pivots = self.external_pivots or (path.startswith("\1") and is_remote(_decoded(path)))

    def _pivot_source(self, body: bytes) -> None:
        self.external_pivots = self.external_pivots or body[:2] == bytes([_EXTERNAL, 0])


def _decoded(path: str) -> str:
    r"""A path as Excel encodes it (2.5.277): 1 and @ is a share, 1 and a letter a drive, 5 and a length a URL."""
    rest = path[1:]
    if rest.startswith("\x05"):
        return rest[2:]
    if rest.startswith("\x01"):
        rest = "\\\\" + rest[2:] if rest[1:2] == "@" else rest[1:2] + ":\\" + rest[2:]
    return rest.translate({2: "\\", 3: "\\", 4: "..\\", 6: None, 7: None, 8: None})


def _short_string(body: bytes) -> str:
    wide = body[1:2] == b"\1"
    return body[2 : 2 + body[0] * (1 + wide)].decode("utf-16-le" if wide else "latin-1", "replace")
