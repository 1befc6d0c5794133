"""Polyglots: objects that another program would read as a second format. Pure.

Only pictures, sound, video, PDF, RTF and texts are tested: archives and office containers hold files of other formats
anyway, and a program may be a self-extracting archive. A zip is tested for one case: a PDF header near its beginning
that does not begin one of its stored files.

Sources: PDF readers take a header anywhere in the first 1024 bytes (ISO 32000-1, annex H, note 13); zip readers begin
at the end (APPNOTE.TXT, 4.3.16); https://github.com/corkami/docs/blob/master/AbusingFileFormats/README.md.
"""

import re
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from airlock.media_types import ZIP
from workers.inspection.checks.signatures import SampledBytes

PDF = "application/pdf"
PDF_REACH = 1024
# The record that ends a zip has 22 bytes and a comment of up to 65535.
ZIP_REACH = 22 + 65535

_PDF = re.compile(rb"%PDF-[12]\.\d")
_PDF_AS_A_LINE = re.compile(rb"[\r\n]%PDF-[12]\.\d[ \t]*[\r\n]")
_PDF_END = re.compile(rb"[\r\n]startxref\s+\d+\s+%%EOF")
_ZIP_END = b"PK\x05\x06"
_ZIP_ENTRY, _ZIP64_LOCATOR = b"PK\x01\x02", b"PK\x06\x07"
_END_RECORD = struct.Struct("<4s4H2LH")
_SMALLEST_ENTRY = 46

# Each pattern begins with a literal byte, which makes the search fast.
_MARKS = (
    (re.compile(rb"<(?i:script[\s>/]|html[\s>]|!doctype\s+html)"), "text/html"),
    (re.compile(rb"<(?i:\?php)\s"), "text/x-php"),
    (re.compile(rb"\x7fELF[\x01\x02][\x01\x02]\x01[\x00-\x12]"), "application/x-executable-elf"),
    (re.compile(rb"Rar!\x1a\x07[\x00\x01]"), "application/vnd.rar"),
    (re.compile(rb"7z\xbc\xaf\x27\x1c\x00[\x00-\x04]"), "application/x-7z-compressed"),
)
# The first fields of an image, chosen so that JavaScript reads them as the start of a comment. A script follows it.
_COMMENTS = (b"GIF87a/*", b"GIF89a/*", b"\xff\xd8\xff\xe0/*")


class SecondFormat(NamedTuple):
    """The other format, and a clause that says where it was seen."""

    media_type: str
    where: str


def second_format(media_type: str, sampled: SampledBytes, *, text: bool) -> SecondFormat | None:
    """The second format of an object of type `media_type`, if it has one; `text` says that it is text of some kind."""
    detectors: tuple[Callable[[SampledBytes], SecondFormat | None], ...] = ()
    if text or media_type.startswith("text/"):
        detectors = (_pdf_in_text, _zip)
    elif media_type.startswith("image/"):
        detectors = (_pdf, _zip, _marked, _program, _script)
    elif media_type.startswith(("audio/", "video/")) or media_type == "application/rtf":
        detectors = (_pdf, _zip)
    elif media_type == PDF:
        detectors = (_zip,)
    elif sampled.head.startswith(b"PK\x03\x04"):
        detectors = (_pdf_in_zip,)
    return next((found for detect in detectors if (found := detect(sampled))), None)


def may_hold_second_format(sampled: SampledBytes) -> bool:
    """Whether a PDF or a zip may be in it, so that the type of an object without a signature has to be known."""
    return bool(_pdf(sampled) or _zip(sampled))


def bytes_before_second_format(sampled: SampledBytes) -> bytes:
    """The part of the first 4 KiB that is before the second format."""
    begins = [at for mark in (b"PK\x03\x04", b"%PDF-") if (at := sampled.head.find(mark, 1)) > 0]
    return sampled.head[: min(begins, default=len(sampled.head))]


def _pdf(sampled: SampledBytes) -> SecondFormat | None:
    found = _PDF.search(sampled.head, 1, PDF_REACH + 8)
    return SecondFormat(PDF, f"a PDF begins at byte {found.start()}") if found else None


def _pdf_in_text(sampled: SampledBytes) -> SecondFormat | None:
    # A text may be about PDF. It counts as one only if it begins and ends as one.
    if _PDF_AS_A_LINE.search(sampled.head, 0, PDF_REACH + 16) and _PDF_END.search(
        (sampled.head + sampled.tail)[-2048:]
    ):
        return _pdf(sampled)
    return None


def _pdf_in_zip(sampled: SampledBytes) -> SecondFormat | None:
    found = _PDF.search(sampled.head, 1, PDF_REACH + 8)
    if found is None or any(
        _content_start(sampled.head, header) == found.start() for header in _occurrences(sampled.head, b"PK\x03\x04")
    ):
        return None
    return _pdf(sampled)


def _content_start(head: bytes, header: int) -> int | None:
    """Where the content of the file with this local header begins, if it is stored."""
    method, name, extra = (int.from_bytes(head[header + at : header + at + 2], "little") for at in (8, 26, 28))
    return None if method else header + 30 + name + extra


def _zip(sampled: SampledBytes) -> SecondFormat | None:
    window = _zip_window(sampled)
    position = window.rfind(_ZIP_END)
    while position >= 0:
        if _ends_a_zip(window, position, sampled.size):
            return SecondFormat(ZIP, "a ZIP archive ends the file")
        position = window.rfind(_ZIP_END, 0, position)
    return None


def _ends_a_zip(window: bytes, position: int, size: int) -> bool:
    """Whether an end record is at `position`: its numbers agree with each other and with the bytes before it."""
    if position + _END_RECORD.size > len(window):
        return False
    _, disk, first_disk, here, entries, length, offset, comment = _END_RECORD.unpack_from(window, position)
    if position + _END_RECORD.size + comment > len(window) or here != entries or not entries:
        return False
    if 0xFFFFFFFF in (length, offset) or entries == 0xFFFF:
        return position >= 20 and window[position - 20 : position - 16] == _ZIP64_LOCATOR
    start = position - length
    before = size - len(window)
    if disk or first_disk or length < entries * _SMALLEST_ENTRY or offset > start + before:
        return False
    return start < 0 or window[start : start + 4] == _ZIP_ENTRY


def _marked(sampled: SampledBytes) -> SecondFormat | None:
    for mark, media_type in _MARKS:
        if mark.search(sampled.head) or mark.search(sampled.tail):
            return SecondFormat(media_type, "a signature of the second format is inside")
    return None


def _program(sampled: SampledBytes) -> SecondFormat | None:
    for part in (sampled.head, sampled.tail):
        for start in _occurrences(part, b"MZ"):
            at = start + int.from_bytes(part[start + 60 : start + 64], "little")
            if start + 64 <= at and part[at : at + 4] == b"PE\0\0":
                return SecondFormat("application/x-dosexec", "the header of a program is inside")
    return None


def _script(sampled: SampledBytes) -> SecondFormat | None:
    if sampled.head.startswith(_COMMENTS) and (b"*/" in sampled.head[10:] or b"*/" in sampled.tail):
        return SecondFormat("text/javascript", "its first fields begin a comment of a script")
    return None


def _zip_window(sampled: SampledBytes) -> bytes:
    """The last bytes of the object that are known without a gap, ZIP_REACH at most."""
    whole = len(sampled.head) + len(sampled.tail) >= sampled.size
    return (sampled.head + sampled.tail if whole else sampled.tail)[-ZIP_REACH:]


def _occurrences(part: bytes, mark: bytes) -> Iterator[int]:
    at = part.find(mark)
    while at >= 0:
        yield at
        at = part.find(mark, at + 1)
