"""In which encoding bytes are text, if they are: by decoding all of them.

UTF-8 and what a byte order mark says are tried first. For the encodings of older systems charset-normalizer proposes
one by samples, and all of the bytes have to decode in it. Bytes with more than a few control characters that no text
has are no text.
"""

import codecs
import math
import re
import unicodedata
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
# Bell, backspace, tab, the line ends, form feed, shifts of character sets and escape (colours of logs), Ctrl-Z (which
# ends a text of DOS), and the separators of files, groups, records and units (EDI, bar codes, library catalogues).
_ALLOWED = frozenset(b"\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x1a\x1b\x1c\x1d\x1e\x1f")
_CONTROLS = bytes(byte for byte in range(32) if byte not in _ALLOWED)
_WIDE_CONTROLS = re.compile(f"[{re.escape(_CONTROLS.decode('ascii'))}\ufffe\uffff]")
# One in so many bytes of UTF-8 may be another control character, but for NUL: minified scripts have them in strings.
_RARE = 100
# The upper bytes of characters of Latin, Greek, Cyrillic, Hebrew, Arabic and Thai, and of punctuation.
_SCRIPTS = frozenset({0x00, 0x01, 0x03, 0x04, 0x05, 0x06, 0x0E, 0x1E, 0x20})
_SHORTEST, _LONGEST_WORD = 6, 60
_LEAST_LETTERS = 5  # percent, in a table of figures
# Ideographs, kana, hangul, their punctuation and full-width forms, and the characters of ASCII and Latin-1.
_IDEOGRAPHS = re.compile("[\u3041-\u30ff\u4e00-\u9fff\uac00-\ud7a3]")
_EAST_ASIAN = re.compile(
    "[\t\n\r\f -~\xa0-\xff\u2000-\u206f\u2100-\u27bf\u3000-\u33ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uffee]*"
)
# Greek, Cyrillic, Hebrew and Arabic, each with the characters of ASCII and the punctuation that goes with it.
_SCRIPT_RANGES = ("\u0370-\u03ff\u1f00-\u1fff", "\u0400-\u052f", "\u0590-\u05ff", "\u0600-\u06ff\u0750-\u077f")
_TABLES = tuple(
    (re.compile(f"[\t\n\r -~\xa0-\xbf\u2000-\u2069\u20a0-\u20bf\u2116{each}]*"), re.compile(f"[{each}]"))
    for each in _SCRIPT_RANGES
)
_SEPARATED = re.compile("[\t\n,;|]")
_PAUSES = re.compile("[\\s\u3001\u3002\uff0c\uff01\uff1f]")
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
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), "")
    if marked and marked != "utf-8-sig":
        return marked if _decodes(whole, marked) and not _has_wide_controls(whole, marked) else None
    end = unpadded_size(whole, size)
    if b"\0" in head:
        wide = _unmarked_utf_16(head, whole)
        if wide or not 0 < end < size:
            return wide
    controls = _controls(whole, end)
    if controls * _RARE <= end and _decodes(whole, marked or "utf-8"):
        return marked or "utf-8"
    if controls:
        return _unmarked_utf_16(head, whole) if not marked else None
    if marked:
        return None
    return next((name for name in _proposals(whole, size) if _decodes(whole, name)), None)


def pieces(whole: BinaryIO, encoding: str) -> Iterator[str]:
    """The text, piece by piece. Raises UnicodeDecodeError at bytes that are none in `encoding`."""
    whole.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    while piece := whole.read(_PIECE):
        yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)


def _decodes(whole: BinaryIO, encoding: str) -> bool:
    try:
        for _ in pieces(whole, encoding):
            pass
    except UnicodeDecodeError:
        return False
    return True


def _has_wide_controls(whole: BinaryIO, encoding: str) -> bool:
    """Where a character takes two bytes or more, controls are seen in the text alone."""
    return any(_WIDE_CONTROLS.search(text) for text in pieces(whole, encoding))


def unpadded_size(whole: BinaryIO, size: int) -> int:
    """How many of the `size` bytes are left without the NULs at the end, with which some programs fill a block."""
    while size:
        start = max(0, size - _PIECE)
        whole.seek(start)
        kept = len(whole.read(size - start).rstrip(b"\0"))
        if kept:
            return start + kept
        size = start
    return 0


def _controls(whole: BinaryIO, end: int) -> float:
    """How many control characters there are before `end` that a text has not; NUL is one too many."""
    whole.seek(0)
    count = 0
    while piece := whole.read(min(_PIECE, end - whole.tell())):
        if b"\0" in piece:
            return math.inf
        count += len(piece) - len(piece.translate(None, _CONTROLS))
    return count


def _unmarked_utf_16(head: bytes, whole: BinaryIO) -> str | None:
    """UTF-16 without a mark, as some programs of Windows write it: its characters are of one script."""
    sample = head[: _SAMPLE & ~1]
    for name, upper in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        is_text = _is_of_one_script(sample, upper, name) or _is_table(sample, name) or _is_east_asian(sample, name)
        if is_text and _decodes(whole, name):
            return None if _has_wide_controls(whole, name) else name
    return None


def _is_of_one_script(sample: bytes, upper: bytes, name: str) -> bool:
    """By the upper bytes of the characters: of a Latin text, most are zero."""
    if upper.count(0) > 0.7 * len(upper):
        return True
    if len(upper) < _SHORTEST or not _SCRIPTS.issuperset(upper):
        return False
    text = sample.decode(name, "replace")
    kinds = [unicodedata.category(each) for each in text]
    letters, marks = (sum(kind[0] in first for kind in kinds) for first in ("LZ", "M"))
    # Small numbers of two bytes are letters of these scripts too, but make neither words nor lines.
    if len(text) > _LONGEST_WORD and not any(each.isspace() for each in text):
        return False
    return letters + marks > 0.7 * len(text) and marks <= letters / 2 and not {"Cn", "Co"}.intersection(kinds)


def _is_table(sample: bytes, name: str) -> bool:
    """Words of one script among figures and separators, and nothing else; numbers of two bytes would be anything."""
    text = sample.decode(name, "ignore")
    if len(text) < _SHORTEST or not _SEPARATED.search(text):
        return False
    return any(
        whole.fullmatch(text) and len(letter.findall(text)) * 100 >= _LEAST_LETTERS * len(text)
        for whole, letter in _TABLES
    )


def _is_east_asian(sample: bytes, name: str) -> bool:
    """Chinese, Japanese or Korean, with the punctuation, the spaces or the line ends that numbers do not have."""
    text = sample.decode(name, "ignore")
    if len(text) < _SHORTEST or not _EAST_ASIAN.fullmatch(text):
        return False
    return len(_IDEOGRAPHS.findall(text)) > 0.3 * len(text) and len(_PAUSES.findall(text)) * 100 >= len(text)


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
