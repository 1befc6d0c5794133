"""Second formats anywhere in a picture, a sound or a video: behind it, between its parts, in a comment or a free box.

The marks are sought in all of the bytes, since unpackers and web servers find theirs wherever they are. Each is long
enough, or is tested further, so that it does not occur by chance in compressed pictures.

Source: https://github.com/corkami/docs/blob/master/AbusingFileFormats/README.md.
"""

import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import islice
from types import MappingProxyType
from typing import Any

from airlock.content.format import OLE
from workers.inspection.identification.sample import OVERLAP, WINDOW, Sample
from workers.inspection.identification.tars import is_tar_header
from workers.inspection.identification.zip_records import END, LOCAL
from workers.inspection.identification.zips import zip_start
from workers.inspection.readings import Reading

# How many places are tested in a window, so that a file of marks alone ends soon.
_TESTED = 10_000

_MP4_BRANDS = (b"mp4", b"iso", b"avc", b"qt ", b"M4V", b"MSNV", b"3gp", b"heic", b"dash", b"mmp4")


def second_readings(sample: Sample, media_type: str, start: int = 1) -> list[Reading]:
    """One reading for each second format that begins at `start` or behind it, in an object of type `media_type`."""
    found: dict[str, Reading] = {}
    for at, mark in _occurrences(sample, start):
        for beginning, test in _TESTS.items():
            if mark.startswith(beginning) and (reading := test(sample, at)) and reading.media_type != media_type:
                found.setdefault(reading.media_type, reading)
        if mark.startswith(b"<"):
            text = _TEXTS.get(mark[:2], "text/html")
            found.setdefault(text, Reading(text, at))
    for inside in _INSIDE.get(media_type, ()):
        found.pop(inside, None)
    return list(found.values())


def _occurrences(sample: Sample, start: int) -> Iterator[tuple[int, bytes]]:
    """Where marks are, and the marks. Of a file that is all marks no more than `_TESTED` in a window are tested."""
    for base in range(start, max(sample.size, start), WINDOW):
        window = sample.at(base, WINDOW + OVERLAP)
        for match in islice(_marks().finditer(window), _TESTED):
            if match.start() < WINDOW:
                yield base + match.start(), match[0]


@cache
def _marks() -> Any:
    """All marks as one pattern: RE2 seeks all of them in one pass, and in a time that only the length decides."""
    import re2  # type: ignore[import-untyped]

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile("|".join(_PATTERNS).encode("latin-1"), options)


def _zip_end(sample: Sample, at: int) -> Reading | None:
    start = zip_start(sample, at)
    return Reading("application/zip", start) if start is not None and sample.at(at + 8, 2) != b"\0\0" else None


def _zip_entry(sample: Sample, at: int) -> Reading | None:
    """A local header: a version of today, known flags, a method and a name that is there (APPNOTE.TXT, 4.3.7)."""
    header = sample.at(at, 30)
    if len(header) < 30 or header[5] > 3 or header[4] not in range(10, 64) or header[9] not in (0, 1, 20):
        return None
    name = int.from_bytes(header[26:28], "little")
    text = sample.at(at + 30, name)
    if not 0 < name <= 512 or len(text) < name or any(byte < 32 for byte in text):
        return None
    return Reading("application/zip", at)


def _seven_zip(sample: Sample, at: int) -> Reading | None:
    header = sample.at(at, 32)
    valid = len(header) == 32 and zlib.crc32(header[12:32]) == int.from_bytes(header[8:12], "little")
    return Reading("application/x-7z-compressed", at) if valid else None


def _rar(sample: Sample, at: int) -> Reading | None:
    return Reading("application/vnd.rar", at) if sample.at(at + 6, 1) in (b"\0", b"\1") else None


def _tar(sample: Sample, at: int) -> Reading | None:
    start = at - 257
    return Reading("application/x-tar", start) if start >= 0 and is_tar_header(sample.at(start, 512)) else None


def _cabinet(sample: Sample, at: int) -> Reading | None:
    header = sample.at(at, 36)
    valid = header[24:26] == b"\3\1" and int.from_bytes(header[8:12], "little") <= sample.size - at
    return Reading("application/vnd.ms-cab-compressed", at) if valid else None


def _program(sample: Sample, at: int) -> Reading | None:
    """The header of a Windows program, with the older header before it that points to it."""
    before = max(0, at - 4096)
    block = sample.at(before, at - before)
    start = block.rfind(b"MZ")
    while start >= 0:
        if int.from_bytes(block[start + 60 : start + 64], "little") == at - before - start:
            return Reading("application/x-dosexec", before + start)
        start = block.rfind(b"MZ", 0, start)
    return None


def _elf(sample: Sample, at: int) -> Reading | None:
    header = sample.at(at, 20)
    valid = len(header) == 20 and header[4] in (1, 2) and header[5] in (1, 2) and header[6] == 1 and header[7] < 19
    return Reading("application/x-executable", at) if valid else None


def _xz(sample: Sample, at: int) -> Reading | None:
    header = sample.at(at, 12)
    valid = len(header) == 12 and zlib.crc32(header[6:8]) == int.from_bytes(header[8:12], "little")
    return Reading("application/x-xz", at) if valid else None


def _gzip(sample: Sample, at: int) -> Reading | None:
    """A gzip of which some bytes unpack; its mark is short."""
    header = sample.at(at, 4096)
    # The reserved flags, the level of compression and the system that wrote it (RFC 1952, 2.3.1).
    if len(header) < 18 or header[3] & 0xE0 or header[8] not in (0, 2, 4) or header[9] not in (0, 3, 11, 255):
        return None
    try:
        unpacked = zlib.decompressobj(31).decompress(header, 512)
    except zlib.error:
        return None
    return Reading("application/gzip", at) if len(unpacked) >= 64 else None


def _bzip2(_sample: Sample, at: int) -> Reading:
    return Reading("application/x-bzip2", at)  # its mark has ten bytes


def _cpio(_sample: Sample, at: int) -> Reading:
    return Reading("application/x-cpio", at)  # its mark is a whole header of digits


def _ar(_sample: Sample, at: int) -> Reading:
    return Reading("application/x-archive", at)


def _compound(sample: Sample, at: int) -> Reading | None:
    """An OLE container: its byte order and the size of its sectors ([MS-CFB] 2.2)."""
    header = sample.at(at, 34)
    valid = header[28:30] == b"\xfe\xff" and header[30:32] in (b"\x09\0", b"\x0c\0") and header[32:34] == b"\6\0"
    return Reading(OLE, at) if valid else None


def _phar(_sample: Sample, at: int) -> Reading:
    return Reading("text/x-php", at)


def _handler(sample: Sample, at: int) -> Reading | None:
    """An event handler in a tag, which is text up to there."""
    tag = _TAG.search(sample.at(max(0, at - _LONGEST_TAG), min(at, _LONGEST_TAG) + 1))
    return Reading("text/html", at - len(tag[0]) + 1) if tag else None


def _video(sample: Sample, at: int) -> Reading | None:
    header = sample.at(at - 4, 16)
    length = int.from_bytes(header[:4])
    if at <= 4 or not 8 <= length <= 512 or not header[8:12].startswith(_MP4_BRANDS):
        return None
    return Reading("video/quicktime" if header[8:12] == b"qt  " else "video/mp4", at - 4)


def _pdf(sample: Sample, at: int) -> Reading | None:
    # Readers take a header within the first 1,024 bytes; some extract a PDF from anywhere, if it is complete.
    behind = sample.at(at, 2048)
    return Reading("application/pdf", at) if re.search(rb"\d+[ \r\n]+\d+[ \r\n]+obj", behind) else None


_Test = Callable[[Sample, int], Reading | None]
_TESTS: Mapping[bytes, _Test] = MappingProxyType(
    {
        END: _zip_end,
        LOCAL: _zip_entry,
        b"7z": _seven_zip,
        b"Rar!": _rar,
        b"ustar": _tar,
        b"MSCF": _cabinet,
        b"PE\0\0": _program,
        b"\x7fELF": _elf,
        b"\xfd7zXZ": _xz,
        b"\x1f\x8b": _gzip,
        b"%PDF-": _pdf,
        b"ftyp": _video,
        b"BZh": _bzip2,
        b"07070": _cpio,
        b"!<arch>": _ar,
        b"\xd0\xcf": _compound,
        b"__HALT": _phar,
        **dict.fromkeys((b" ", b"\t", b"\n", b"\r", b"/", b'"', b"'"), _handler),
    }
)
_PATTERNS = (
    *(
        r"PK\x05\x06",
        r"PK\x03\x04",
        r"7z\xbc\xaf\x27\x1c",
        r"Rar!\x1a\x07",
        "ustar",
        r"MSCF\x00\x00\x00\x00",
        r"PE\x00\x00",
    ),
    *(r"\x7fELF", r"\xfd7zXZ\x00", r"\x1f\x8b\x08", "%PDF-", "ftyp", "__HALT_COMPILER\\(\\);", "!<arch>\n"),
    *(r"BZh[1-9]1AY&SY", r"07070[12][0-9A-Fa-f]{104}", r"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    r"<(?i:script[\s>/]|html[\s>]|!doctype\s+html|iframe[\s>]|hta:application|!--\s?#(?:exec|include)\s)",
    r"[\t\n\r /\"'](?i:on[a-z]{3,20})\s?=",
    # A short tag of PHP is three bytes, which occur by chance: only with a variable or a call and its end it is one.
    r"<\?(?i:php)[\s(]|<\?[=\s][\t\n\r\x20-\x7e]{0,80}[$`(][\t\n\r\x20-\x7e]{1,120}\?>",
    r"<%@?\s*(?i:page|language|eval|execute)\b|<%[=!\s][\t\n\r\x20-\x7e]{0,80}[(.][\t\n\r\x20-\x7e]{1,120}%>",
)
# The beginning of a tag, up to an attribute.
_TAG = re.compile(rb"<[A-Za-z][\w:.-]{0,40}(?:[\s/\"'][\t\n\r\x20-\x3b=\x3f-\x7e]*)?\Z")
_LONGEST_TAG = 512
_TEXTS = {b"<?": "text/x-php", b"<%": "text/x-asp"}
# A TIFF may be compressed by xz, part by part, and Microsoft's scanning program keeps a container of properties in it.
_INSIDE = {"image/tiff": ("application/x-xz", OLE)}
