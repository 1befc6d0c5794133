"""In which encoding bytes are text, if they are: by decoding all of them.

UTF-8 and what a byte order mark says are tried first. For the encodings of older systems charset-normalizer proposes
one by samples, and all of the bytes have to decode in it. Bytes with control characters that no text has are no text.
"""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

_PIECE = 1024 * 1024
_SAMPLE = 8 * 1024

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16's, which begins it
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Bell, backspace, tab, the line ends, form feed, Ctrl-Z (which ends a text of DOS) and escape (colours of logs).
_ALLOWED = frozenset(b"\x07\x08\t\n\x0b\x0c\r\x1a\x1b")
_CONTROLS = bytes(byte for byte in range(32) if byte not in _ALLOWED)
_WIDE_CONTROLS = re.compile(f"[{re.escape(_CONTROLS.decode('ascii'))}\ufffe\uffff]")
# Where the proposal does not fit, or there is none: the commonest encodings of Windows.
_COMMON = (
    "cp1252",
    "cp1251",
    "cp932",
    "cp949",
    "gb18030",
    "big5",
    "cp1250",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "cp874",
)


def decoded_as(head: bytes, whole: BinaryIO, size: int) -> str | None:
    """The name of the encoding in which the `size` bytes of `whole` (which begin with `head`) are text, or None."""
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if marked is not None:
        return marked if _decodes(whole, marked, wide=marked != "utf-8-sig") else None
    if head.translate(None, _CONTROLS) != head:
        return _unmarked_utf_16(head, whole)
    if _decodes(whole, "utf-8"):
        return "utf-8"
    if not _has_no_controls(whole):
        return None
    return next((name for name in _proposals(whole, size) if _decodes(whole, name)), None)


def pieces(whole: BinaryIO, encoding: str) -> Iterator[str]:
    """The text, piece by piece. Raises UnicodeDecodeError at bytes that are none in `encoding`."""
    whole.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    while piece := whole.read(_PIECE):
        yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)


def _decodes(whole: BinaryIO, encoding: str, *, wide: bool = False) -> bool:
    # Where a character takes two bytes or more, controls are seen in the text alone.
    try:
        return not any(_WIDE_CONTROLS.search(text) if wide else _controls(text) for text in pieces(whole, encoding))
    except UnicodeDecodeError:
        return False


def _controls(text: str) -> bool:
    return _WIDE_CONTROLS.search(text) is not None


def _has_no_controls(whole: BinaryIO) -> bool:
    whole.seek(0)
    while piece := whole.read(_PIECE):
        if len(piece.translate(None, _CONTROLS)) != len(piece):
            return False
    return True


def _unmarked_utf_16(head: bytes, whole: BinaryIO) -> str | None:
    """UTF-16 without a mark, as some programs of Windows write it: most characters of a Latin text have a zero byte."""
    sample = head[: _SAMPLE & ~1]
    for name, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        if zeros and zeros.count(0) > 0.7 * len(zeros) and _decodes(whole, name, wide=True):
            return name
    return None


def _proposals(whole: BinaryIO, size: int) -> Iterator[str]:
    from charset_normalizer import from_bytes

    sample = b""
    for start in (0, size // 2, max(0, size - _SAMPLE)):
        whole.seek(start)
        sample += whole.read(_SAMPLE)
    best = from_bytes(sample, steps=5, chunk_size=512).best()
    if best is not None:
        yield best.encoding
    yield from _COMMON
