"""The parts of a binary workbook (xlsb): records of [MS-XLSB] 2.1.4, where an xlsx has XML."""

import struct
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from workers.inspection.parsers.documents.formulas import ACTIVE, is_active
from workers.inspection.parsers.documents.ole.expressions import report_expression
from workers.inspection.parsers.documents.ole.vba import MACROS
from workers.inspection.parsers.documents.package import MalformedDocument
from workers.inspection.parsers.documents.references import REFRESHED, queried
from workers.inspection.parsers.port import Output

_LINK_KINDS = (1, 2)  # 2.4.162: DDE, OLE


def examine_binary_part(content: bytes, output: Output) -> None:
    """Examine the records of one part. Raises MalformedDocument and struct.error where they are broken."""
    pivot = _Pivot()
    for kind, body in _records(content):
        if rule := _RULES.get(kind):
            rule(body, output)
        pivot.take(kind, body)
    if pivot.refreshes and pivot.external:
        output.finding("external_data", REFRESHED)


def _records(content: bytes) -> Iterator[tuple[int, bytes]]:
    """2.1.4: a number of one or two bytes, a length of one to four, seven bits a byte."""
    at = 0
    while at < len(content):
        kind, at = content[at], at + 1
        if kind & 0x80 and at < len(content):
            kind, at = (kind & 0x7F) | (content[at] & 0x7F) << 7, at + 1
        length, at = _length(content, at)
        if at + length > len(content):
            raise MalformedDocument("A part of the workbook is cut off.")
        yield kind, content[at : at + length]
        at += length


def _length(content: bytes, at: int) -> tuple[int, int]:
    length = 0
    for shift in (0, 7, 14, 21):
        if at >= len(content):
            raise MalformedDocument("A part of the workbook is cut off.")
        byte, at = content[at], at + 1
        length |= (byte & 0x7F) << shift
        if not byte & 0x80:
            break
    return length, at


class _Pivot:
    """A pivot table's cache: whether it refreshes when the workbook is opened, and from where."""

    def __init__(self) -> None:
        self.refreshes = self.external = False

    def take(self, kind: int, body: bytes) -> None:
        if kind == 179 and len(body) > 3:  # BrtBeginPivotCacheDef
            self.refreshes = self.refreshes or bool(body[3] & 4)
        elif kind == 185 and len(body) >= 4:  # BrtBeginPCDSource: 1 is external
            self.external = self.external or body[:4] == b"\1\0\0\0"


def _linked(body: bytes, output: Output) -> None:
    if len(body) >= 2 and int.from_bytes(body[:2], "little") in _LINK_KINDS:
        output.finding("active_formula", ACTIVE)


def _connection(body: bytes, output: Output) -> None:
    """BrtBeginExtConnection (2.4.60): an interval in minutes, and bit 5 of the flags (refresh on load)."""
    if len(body) < 10:
        return
    interval, flags = struct.unpack_from("<HL", body, 4)
    queried(output, refreshes=bool(interval or flags & 0x20))


def _query(body: bytes, output: Output) -> None:
    """BrtBeginQSI: bit 5, fAutoRefresh."""
    if body[:1] and body[0] & 0x20:
        output.finding("external_data", REFRESHED)


def _name(body: bytes, output: Output) -> None:
    """BrtName (2.4.712): flags, key, sheet, the name, then its expression."""
    name, at = _text(body, 9)
    if name.upper().startswith("_XLFN.") and is_active(name):
        output.finding("active_formula", ACTIVE)
    if name.lower().startswith(("_xlnm.auto_", "auto_open", "auto_close")):
        output.finding("macros", MACROS)
    _expression(body, at, output)


def _cell(body: bytes, output: Output, value: int) -> None:
    """A cell's place and style (8 bytes), its value, two bytes of flags, then its expression."""
    _expression(body, 8 + value + 2, output)


def _string_cell(body: bytes, output: Output) -> None:
    _, at = _text(body, 8)
    _expression(body, at + 2, output)


def _expression(body: bytes, at: int, output: Output) -> None:
    size = int.from_bytes(body[at : at + 4], "little")
    report_expression(body[at + 4 : at + 4 + size], output, wide=True)


def _text(body: bytes, at: int) -> tuple[str, int]:
    length = int.from_bytes(body[at : at + 4], "little")
    end = at + 4 + 2 * length
    return body[at + 4 : end].decode("utf-16-le", "replace"), end


_Rule = Callable[[bytes, Output], None]
_RULES: Mapping[int, _Rule] = MappingProxyType(
    {
        8: _string_cell,  # BrtFmlaString
        9: lambda body, output: _cell(body, output, 8),  # BrtFmlaNum
        10: lambda body, output: _cell(body, output, 1),  # BrtFmlaBool
        11: lambda body, output: _cell(body, output, 1),  # BrtFmlaError
        39: _name,
        201: _connection,
        360: _linked,  # BrtBeginSupBook
        426: lambda body, output: _expression(body, 17, output),  # BrtArrFmla
        427: lambda body, output: _expression(body, 16, output),  # BrtShrFmla
        447: _query,  # BrtBeginQSI
    }
)
