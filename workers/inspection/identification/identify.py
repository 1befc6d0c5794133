"""All readings of the bytes of an object or a member: every format in which some program would read them.

How it works:

1. What begins with a signature has the reading of it (`signatures`, `containers`, `compounds`, `tars`).
2. What has none and decodes as text has the readings that its name and declaration claim, and HTML or XML where a
   browser would take it for that (`texts`).
3. A zip is found from its end and a PDF by a header within the first 1,024 bytes, whatever the bytes begin with.
4. In a picture, a font, a sound or a video, marks of other formats are sought in all of the bytes (`marks`).

The first reading is the primary one. Bytes of which no format is known are `application/octet-stream`.
"""

import re
from collections.abc import Sequence
from typing import BinaryIO

from airlock.content.format import OCTET_STREAM, PLAIN
from airlock.content.formats import format_of
from workers.inspection.identification.binary_signatures import unexamined_format
from workers.inspection.identification.compounds import MAGIC, compound_end, compound_types
from workers.inspection.identification.containers import in_container
from workers.inspection.identification.marks import second_readings
from workers.inspection.identification.sample import Sample
from workers.inspection.identification.signatures import by_prefix, disk_image
from workers.inspection.identification.tars import is_tar_header
from workers.inspection.identification.texts import RTF, text_readings
from workers.inspection.identification.zip_records import LOCAL
from workers.inspection.identification.zips import find_zip
from workers.inspection.readings import ExaminerFinding, Reading

PDF = "application/pdf"
# ISO 32000-1, annex H, note 13.
PDF_REACH = 1024
_PDF_HEADER = re.compile(rb"%PDF-\d")
_PDF_OBJECT = re.compile(rb"\d[ \t\r\n]+\d+[ \t\r\n]+obj\b")
# Archives whose last content may be a zip: all of it is handed out as members, and what they skip is searched.
_WITHOUT_ZIP = frozenset(
    {"application/x-tar", "application/gzip", "application/x-bzip2", "application/x-xz", "application/zstd",
     "application/x-7z-compressed", "application/vnd.rar", "application/x-cpio", "application/x-archive",
     "application/x-lzip", "application/x-lzma", "application/x-compress", "application/vnd.ms-cab-compressed"}
)  # fmt: skip
_MARKED = frozenset({"picture", "audio", "video"})
# A job of a printer's language (PJL Technical Reference, Hewlett-Packard), as printer drivers and scanners begin a PDF.
_PRINT_JOB = re.compile(rb"(?:\x1b%-12345X)?(?:@PJL(?:[ \t][^\r\n<\x7f-\xff\0-\x08\x0e-\x1f]*)?\r?\n)+\Z")
# Comments for a printing service ("%%SK_PAPIER: A4"), which no program takes for anything, as it has no "%!".
_PRINT_COMMENTS = re.compile(rb"(?:%%[A-Za-z][\w]*(?::[ \t][\w .,:/()+-]*)?\r?\n)+\Z", re.ASCII)
# Icons and fonts, which a profile may take unexamined.
_UNEXAMINED = ("image/", "font/")
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")
_WITH_SOUND_ALONE = {
    "video/mp4": "audio/mp4",
    "video/quicktime": "audio/mp4",
    "video/webm": "audio/webm",
    "video/matroska": "audio/matroska",
}


def identify(file: BinaryIO, size: int, claims: Sequence[str] = ()) -> list[Reading]:
    """The readings of the `size` bytes of `file`, the primary one first; never empty.

    `claims` are the canonical types of the declaration and of the file's name, as far as there are any: they name the
    reading of texts, and tell a sound from a video that has none.
    """
    sample = Sample(file, size)
    if not size:
        return [Reading(next((each for each in claims if format_of(each).family == "text"), PLAIN), claimed=True)]
    first = _first(sample, claims)
    readings = _without_prefixes(first, _behind(sample, first))
    return readings or [Reading(OCTET_STREAM)]


def leading_data(file: BinaryIO, readings: Sequence[Reading]) -> ExaminerFinding | None:
    """The finding for what stands before the format and is no format itself: programs differ in what they skip."""
    start = readings[0].start
    if not start:
        return None
    file.seek(0)
    before = file.read(min(start, PDF_REACH + 1))
    if readings[0].media_type == PDF and (_PRINT_JOB.match(before) or _PRINT_COMMENTS.match(before)):
        return ExaminerFinding("irregular", "Commands for a printer stand before the beginning of the PDF.")
    if start <= PDF_REACH and not before.strip(b"\xef\xbb\xbf\0\t\n\f\r "):
        return ExaminerFinding("irregular", f"White space of {start} bytes stands before the beginning of the file.")
    return ExaminerFinding("leading_data", f"{start:,} bytes stand before the beginning of the file.")


def _without_prefixes(first: list[Reading], behind: list[Reading]) -> list[Reading]:
    """A text before a PDF or a zip is no reading of its own, unless a browser would take it for HTML or XML."""
    return [each for each in first if not behind or format_of(each.media_type).family != "text"] + behind


def _first(sample: Sample, claims: Sequence[str]) -> list[Reading]:
    """The readings of what stands at the beginning."""
    if _PDF_HEADER.match(sample.head):
        return [Reading(PDF)]
    if RTF.match(sample.head):  # which may hold raw bytes, so that it need not be a text
        return text_readings(sample, claims)
    if sample.head.startswith(_BYTE_ORDER_MARKS) and (texts := _texts(sample, claims)):
        return texts
    if types := compound_types(sample):
        return [Reading(each) for each in types]
    return _signed(sample, claims)


def _signed(sample: Sample, claims: Sequence[str]) -> list[Reading]:
    """The readings of what has a signature; the rest may be a text."""
    if (container := in_container(sample)) is not None:
        return [Reading(_with_sound_alone(container, claims))]
    prefix = by_prefix(sample)
    if prefix is not None and not (prefix[1] and sample.is_whole_text):
        return [Reading(prefix[0])]
    if sample.head.startswith(LOCAL):
        return []
    if is_tar_header(sample.head[:512]):
        return [Reading("application/x-tar")]
    other = unexamined_format(sample)
    return [Reading(other)] if other is not None else _texts(sample, claims)


def _texts(sample: Sample, claims: Sequence[str]) -> list[Reading]:
    return text_readings(sample, claims) if sample.is_text else []


def _with_sound_alone(container: str, claims: Sequence[str]) -> str:
    alone = _WITH_SOUND_ALONE.get(container)
    return alone if alone in claims and alone is not None else container


def _behind(sample: Sample, first: Sequence[Reading]) -> list[Reading]:
    """A zip from its end, a PDF within the first bytes, and the second formats of pictures, sounds and videos."""
    primary = first[0].media_type if first else ""
    readings: list[Reading] = []
    zipped = None if primary in _WITHOUT_ZIP else find_zip(sample)
    if zipped is not None and not (sample.head.startswith(MAGIC) and zipped.end <= compound_end(sample)):
        readings += [Reading(each, zipped.start, zipped.end) for each in zipped.media_types]
    if primary != PDF and (pdf := _pdf(sample, first, readings)) is not None:
        readings.append(pdf)
    if format_of(primary).family in _MARKED or primary.startswith(_UNEXAMINED):
        readings += second_readings(sample, primary)
    if format_of(primary).family != "archive":
        readings += [Reading(each) for each in _at_fixed_places(sample)]
    return list({each.media_type: each for each in reversed(readings) if each.media_type != primary}.values())[::-1]


def _at_fixed_places(sample: Sample) -> list[str]:
    """A tar by the checksum of its first header and a disk image by its volume, whose first bytes may be anything."""
    found = ["application/x-tar"] if is_tar_header(sample.head[:512]) else []
    disk = disk_image(sample)
    return [*found, disk] if disk else found


def _pdf(sample: Sample, first: Sequence[Reading], zipped: Sequence[Reading]) -> Reading | None:
    found = _PDF_HEADER.search(sample.head, 0, PDF_REACH + 7)
    if found is None or not _PDF_OBJECT.search(sample.head + sample.tail):
        return None
    return None if _is_member(sample, found.start(), first, zipped) else Reading(PDF, found.start())


def _is_member(sample: Sample, at: int, first: Sequence[Reading], zipped: Sequence[Reading]) -> bool:
    """Whether a PDF that begins at `at` is the content of an archive's first entry, which is not compressed."""
    if first and first[0].media_type == "application/x-tar":
        return at % 512 == 0
    if first and first[0].media_type in ("application/x-archive", "application/x-cpio"):
        return True
    if not zipped or not sample.head.startswith(LOCAL):
        return False
    header = 0
    while 0 <= header <= at:
        name, extra = (int.from_bytes(sample.head[header + each : header + each + 2], "little") for each in (26, 28))
        if header + 30 + name + extra == at and not sample.head[header + 8]:
            return True
        header = sample.head.find(LOCAL, header + 1)
    return False
