"""The tokens of RTF (specification 1.9.1, "RTF Syntax"). Pure."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    rb"\\([A-Za-z]+)(-?[0-9]+)? ?"  # a control word, its number, and the space that ends it
    rb"|\\'([0-9A-Fa-f]{2})"
    rb"|\\([^A-Za-z])"
    rb"|([{}])"
    rb"|([^\\{}]+)"
    rb"|\\",
    re.DOTALL,
)


class Token(NamedTuple):
    r"""One token: a control `word` with its `number` (0 where it has none), a `mark` (a brace, or the character of a
    control symbol behind a backslash), `text` as it stands in the file, or the `binary` data of a `\bin`.
    """

    word: str = ""
    number: int = 0
    mark: str = ""
    text: bytes = b""
    binary: bytes | None = None
    end: int = 0


def tokens(data: bytes, at: int) -> Iterator[Token]:
    """The tokens from the position `at`; `end` of each is the position behind it."""
    while found := _TOKEN.match(data, at):
        at = found.end()
        word, number, character, symbol, brace, text = found.groups()
        if word is None:
            yield Token(mark="\\'" if character else _mark(symbol, brace), text=text or _character(character), end=at)
        elif word == b"bin":
            size = max(0, _number(number))
            yield Token(word="bin", binary=data[at : at + size], end=at + size)
            at += size
        else:
            yield Token(word=word.decode("ascii").lower(), number=_number(number), end=at)


def _mark(symbol: bytes | None, brace: bytes | None) -> str:
    if brace is not None:
        return brace.decode("ascii")
    return "\\" + symbol.decode("latin-1") if symbol is not None else ""


def _character(hexadecimal: bytes | None) -> bytes:
    return bytes([int(hexadecimal, 16)]) if hexadecimal else b""


def _number(digits: bytes | None) -> int:
    """Word keeps ten digits, and 32 bits of them."""
    return int(digits[:11]) if digits else 0
