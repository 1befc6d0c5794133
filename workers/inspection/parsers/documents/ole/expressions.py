"""Expressions of Excel's binary formats ([MS-XLS] 2.5.198, [MS-XLSB] 2.5.97): whether they call a function that acts.

Pure. An expression is a row of tokens, each of a size that its kind tells. Where a kind is not known, the rest cannot
be followed and is searched for calls instead.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from workers.inspection.parsers.documents.formulas import ACTIVE, ADDRESS
from workers.inspection.parsers.documents.references import clicked
from workers.inspection.parsers.port import Output

# Functions by number ([MS-XLS] 2.5.198.17): EXEC, DIRECTORY, FOPEN, FREAD, FWRITELN, FWRITE, REGISTER, CALL, FILES,
# INITIATE, REQUEST, POKE, EXECUTE, TERMINATE, UNREGISTER, REGISTER.ID, RTD.
_ACTIVE_NUMBERS = frozenset({110, 123, 132, 136, 137, 138, 149, 150, 166, 175, 176, 177, 178, 179, 201, 267, 379})
_HYPERLINK = 359
# The sizes of tokens behind their first byte, by their kind without the class (bits 5 and 6): for [MS-XLS].
_SIZES: Mapping[int, int] = MappingProxyType(
    {0x01: 4, 0x02: 4, **dict.fromkeys(range(0x03, 0x17), 0), 0x1C: 1, 0x1D: 1, 0x1E: 2, 0x1F: 8, 0x20: 7, 0x21: 2,
     0x22: 3, 0x23: 4, 0x24: 4, 0x25: 8, 0x26: 6, 0x27: 6, 0x28: 6, 0x29: 2, 0x2A: 4, 0x2B: 8, 0x2C: 4, 0x2D: 8,
     0x2E: 2, 0x2F: 2, 0x39: 6, 0x3A: 6, 0x3B: 10, 0x3C: 6, 0x3D: 10}
)  # fmt: skip
_WIDER: Mapping[int, int] = MappingProxyType(
    {0x20: 14, 0x23: 4, 0x24: 6, 0x25: 12, 0x26: 6, 0x27: 6, 0x28: 6, 0x29: 2, 0x2A: 6, 0x2B: 12, 0x2C: 6, 0x2D: 12,
     0x39: 6, 0x3A: 8, 0x3B: 14, 0x3C: 8, 0x3D: 14}
)  # fmt: skip
_CALL = re.compile(rb"[\x22\x42\x62][\0-\x1f](.{2})", re.DOTALL)
_CONCATENATION, _PARENTHESIS, _STRING, _EXTENDED, _ATTRIBUTE = 0x08, 0x15, 0x17, 0x18, 0x19
_FUNCTION, _VARIABLE = 0x21, 0x22
# Tokens that only say how the expression is shown or where it goes on.
_SILENT = frozenset({_PARENTHESIS, _ATTRIBUTE})
_TABLE = b"\x19"  # the second byte of a reference to a table's columns ([MS-XLSB] 2.5.97.51)


class Called(NamedTuple):
    """Whether an expression calls a function that acts, and the addresses that its HYPERLINK may lead to."""

    acts: bool = False
    addresses: tuple[str, ...] = ()


def called(tokens: bytes, *, wide: bool = False) -> Called:
    """What the expression calls; `wide` for the tokens of xlsb."""
    at, texts = 0, _Texts()
    while at < len(tokens):
        kind = tokens[at]
        kind = kind if kind < 0x20 else 0x20 | (kind & 0x1F)
        number = _number(tokens, at, kind) if kind in (_FUNCTION, _VARIABLE) else 0
        size = _size(tokens, at, kind, wide=wide)
        if number in _ACTIVE_NUMBERS or (size is None and _calls_active(tokens[at:])):
            return Called(acts=True)
        if size is None:
            break
        if number == _HYPERLINK and kind == _VARIABLE:
            texts.link(tokens[at + 1] & 0x7F)
        else:
            texts.take(kind, _text(tokens[at + 1 : at + 1 + size], wide=wide) if kind == _STRING else "")
        at += 1 + size
    return Called(addresses=texts.addresses)


class _Texts:
    """The texts of an expression in their order. Operands come before what works on them, so the texts directly before
    a HYPERLINK are its arguments; where something else stands there, any text may be the address.
    """

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._adjacent = 0  # how many of the last texts have nothing behind them that works on them
        self._links = False
        self._certain: list[str] = []

    def take(self, kind: int, text: str) -> None:
        if kind == _STRING:
            self._texts.append(text)
            self._adjacent += 1
        elif kind == _CONCATENATION and self._adjacent > 1:
            last = self._texts.pop()
            self._texts[-1] += last
            self._adjacent -= 1
        elif kind not in _SILENT:
            self._adjacent = 0

    def link(self, arguments: int) -> None:
        """A HYPERLINK of an address and perhaps a name for it, which leads nowhere."""
        self._links = True
        if 0 < arguments <= self._adjacent:
            self._certain.append(self._texts[-arguments])
            del self._texts[-arguments:]
        elif arguments > 1 and self._adjacent:
            self._texts.pop()
        self._adjacent = 0

    @property
    def addresses(self) -> tuple[str, ...]:
        possible = (text for text in self._texts if self._links and ADDRESS.match(text))
        return (*self._certain, *possible)


def report_expression(tokens: bytes, output: Output, *, wide: bool = False) -> None:
    """Report an expression that acts, and where its HYPERLINK leads; `wide` for the tokens of xlsb."""
    found = called(tokens, wide=wide)
    if found.acts:
        output.finding("active_formula", ACTIVE)
    for address in found.addresses:
        clicked(address, output)


def _calls_active(tokens: bytes) -> bool:
    return any(int.from_bytes(found[1], "little") in _ACTIVE_NUMBERS for found in _CALL.finditer(tokens))


def _text(body: bytes, *, wide: bool) -> str:
    if wide or body[1:2] == b"\1":
        return body[2:].decode("utf-16-le", "replace")
    return body[2:].decode("latin-1")


def _number(tokens: bytes, at: int, kind: int) -> int:
    first = at + 1 + (kind == _VARIABLE)
    return int.from_bytes(tokens[first : first + 2], "little")


def _size(tokens: bytes, at: int, kind: int, *, wide: bool) -> int | None:
    if kind == _STRING:
        return _string_size(tokens, at, wide=wide)
    if kind == _ATTRIBUTE:
        choices = int.from_bytes(tokens[at + 2 : at + 4], "little")
        return 3 + (2 * (choices + 1) if tokens[at + 1 : at + 2] == b"\4" else 0)
    if kind == _EXTENDED:
        return 13 if tokens[at + 1 : at + 2] == _TABLE else 5
    if wide and kind in _WIDER:
        return _WIDER[kind]
    return _SIZES.get(kind)


def _string_size(tokens: bytes, at: int, *, wide: bool) -> int:
    if wide:
        return 2 + 2 * int.from_bytes(tokens[at + 1 : at + 3], "little")
    doubled = tokens[at + 2 : at + 3] == b"\1"
    return 2 + tokens[at + 1] * (1 + doubled) if at + 1 < len(tokens) else 2
