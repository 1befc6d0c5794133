"""Zips, wherever they begin, and what their directory says that they are.

A zip is read from its end (APPNOTE.TXT, 4.3.16): the last end record whose numbers fit tells where the directory is,
and the directory where the entries are, so any bytes may stand before the first one. A reader of streams begins at the
first local header instead. So bytes are a zip by either.

What kind of zip it is, is told by the names in the directory, and for an office document by the content types of its
parts (ECMA-376 part 2, OpenDocument 1.3 part 2), never by bytes that occur somewhere in it.
"""

import re
import struct
import zipfile
import zlib
from typing import NamedTuple

from airlock.content.format import ZIP
from workers.inspection.identification.sample import Sample
from workers.inspection.identification.zip_records import CENTRAL, CENTRAL_HEADER, END, END_RECORD, LOCAL, LOCATOR_64

_MAX_PART = 4 * 1024 * 1024

_OOXML = "application/vnd.openxmlformats-officedocument."
# The content type of a document's main part, without ".main+xml", and the media type of the document.
_MAIN = re.compile(
    rb"""(?i)ContentType\s*=\s*["']\s*(application/vnd\.(?:openxmlformats-officedocument|ms-[a-z]+)\.[a-z.0-9-]+?)"""
    rb"""\.main(?:\+xml)?\s*["']"""
)
_KINDS = frozenset(
    {
        "wordprocessingml.document",
        "wordprocessingml.template",
        "spreadsheetml.sheet",
        "spreadsheetml.template",
        "presentationml.presentation",
        "presentationml.slideshow",
        "presentationml.template",
    }
)
_MACRO_KINDS = frozenset(
    {
        "application/vnd.ms-word.document.macroenabled.12",
        "application/vnd.ms-word.template.macroenabled.12",
        "application/vnd.ms-word.document.macroenabledtemplate.12",
        "application/vnd.ms-excel.sheet.macroenabled.12",
        "application/vnd.ms-excel.template.macroenabled.12",
        "application/vnd.ms-excel.sheet.binary.macroenabled.12",
        "application/vnd.ms-excel.addin.macroenabled.12",
        "application/vnd.ms-powerpoint.presentation.macroenabled.12",
        "application/vnd.ms-powerpoint.slideshow.macroenabled.12",
        "application/vnd.ms-powerpoint.template.macroenabled.12",
    }
)
_SHORTER = {
    "application/vnd.ms-word.document.macroenabled": "application/vnd.ms-word.document.macroenabled.12",
    "application/vnd.ms-word.template.macroenabledtemplate": "application/vnd.ms-word.template.macroenabled.12",
    "application/vnd.ms-excel.sheet.macroenabled": "application/vnd.ms-excel.sheet.macroenabled.12",
    "application/vnd.ms-excel.template.macroenabled": "application/vnd.ms-excel.template.macroenabled.12",
    "application/vnd.ms-excel.addin.macroenabled": "application/vnd.ms-excel.addin.macroenabled.12",
    "application/vnd.ms-excel.sheet.binary.macroenabled":
        "application/vnd.ms-excel.sheet.binary.macroenabled.12",
    "application/vnd.ms-powerpoint.presentation.macroenabled":
        "application/vnd.ms-powerpoint.presentation.macroenabled.12",
    "application/vnd.ms-powerpoint.slideshow.macroenabled": "application/vnd.ms-powerpoint.slideshow.macroenabled.12",
    "application/vnd.ms-powerpoint.template.macroenabled": "application/vnd.ms-powerpoint.template.macroenabled.12",
}  # fmt: skip
# Some people zip a manifest without code, such as the texts of a program in each language.
_CODE = (".class", ".jar", ".war", ".dex")
_MIMETYPE = re.compile(rb"application/[a-zA-Z0-9.+-]+")


class FoundZip(NamedTuple):
    """Where the zip begins and where its end record ends, in bytes, and the media types that its directory tells."""

    start: int
    end: int
    media_types: tuple[str, ...]


def find_zip(sample: Sample) -> FoundZip | None:
    """The zip in these bytes, or None."""
    ends = _end(sample)
    if ends is None:
        # A reader of streams takes the entries as they come.
        return FoundZip(0, sample.size, (ZIP,)) if _is_local(sample.head) else None
    start, end = ends
    if not start and not sample.head.startswith(b"PK"):
        # The offsets count what stands before, as those of a program that unpacks itself do.
        start = max(1, sample.head.find(LOCAL))
    return FoundZip(start, end, _media_types(sample))


def _is_local(head: bytes) -> bool:
    return head.startswith(LOCAL) and len(head) >= 30


def _end(sample: Sample) -> tuple[int, int] | None:
    """Where the zip begins that the last valid end record ends, and where that record ends."""
    tail = sample.tail
    base = sample.size - len(tail)
    position = tail.rfind(END)
    while position >= 0:
        if (start := zip_start(sample, base + position)) is not None:
            comment = int.from_bytes(tail[position + 20 : position + 22], "little")
            return start, min(base + position + END_RECORD.size + comment, sample.size)
        position = tail.rfind(END, 0, position)
    return None


def zip_start(sample: Sample, position: int) -> int | None:
    """Where the zip begins whose end record is at `position`; None where that is no end record of a zip."""
    record = sample.at(position, END_RECORD.size)
    if len(record) < END_RECORD.size:
        return None
    _, disk, first_disk, here, entries, length, offset, _ = END_RECORD.unpack(record)
    if 0xFFFFFFFF in (length, offset) or entries == 0xFFFF:
        return 0 if sample.at(position - 20, 4) == LOCATOR_64 else None
    if disk or first_disk or here != entries or length < entries * CENTRAL_HEADER.size or position < length:
        return None
    if not entries:
        # The end record of an empty zip alone: four bytes and zeros, which occur by chance in no file of 22 bytes.
        return 0 if position == 0 else None
    directory = position - int(length)
    if sample.at(directory, 4) == CENTRAL:
        return max(0, directory - int(offset))
    return 0 if sample.at(offset, 4) == CENTRAL else None


def _media_types(sample: Sample) -> tuple[str, ...]:
    try:
        sample.file.seek(0)
        with zipfile.ZipFile(sample.file) as archive:
            return tuple(dict.fromkeys(_kinds(archive))) or (ZIP,)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError, zlib.error,
            struct.error, UnicodeError, IndexError):  # fmt: skip
        return (ZIP,)


def _kinds(archive: zipfile.ZipFile) -> list[str]:
    names = {each.lstrip("/").replace("\\", "/").lower(): each for each in archive.namelist()}
    kinds = []
    if "[content_types].xml" in names:
        kinds.append(_open_xml(_part(archive, names["[content_types].xml"])))
    if "mimetype" in names and (found := _MIMETYPE.match(_part(archive, names["mimetype"]).strip())):
        kinds.append(found[0].decode("ascii").lower())
    elif "meta-inf/manifest.xml" in names and "content.xml" in names:
        kinds.append("application/vnd.oasis.opendocument.text")
    if "androidmanifest.xml" in names and ("classes.dex" in names or "resources.arsc" in names):
        kinds.append("application/vnd.android.package-archive")
    elif "meta-inf/manifest.mf" in names and any(each.endswith(_CODE) for each in names):
        kinds.append("application/java-archive")
    return [each for each in kinds if each]


def _open_xml(content_types: bytes) -> str:
    """The document's type by the content type of its main part; "" where no part is one of an office program."""
    text = content_types.decode("utf-16") if content_types[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
    names = _MAIN.findall(text.encode() if text else content_types)
    found: list[str] = [each.decode("latin-1").lower() for each in names]
    for name in (_SHORTER.get(each, each) for each in found):
        if name in _MACRO_KINDS or name == "application/vnd.ms-visio.drawing":
            return name
    for name in found:
        if (kind := name.removeprefix(_OOXML)) in _KINDS:
            return _OOXML + kind
    return ""


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as part:
        return part.read(_MAX_PART)
