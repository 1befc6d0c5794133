"""Objects that the cross-reference of a PDF does not reach: of earlier revisions, deleted ones, and those in gaps.

A program meets them that shows an earlier revision, or that rebuilds the cross-reference by its own rules. Where
the PDF is encrypted, their strings cannot be read, and they are passed over: a program that repairs such a file reads
what qpdf repairs.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, BinaryIO

from workers.inspection.parsers.pdfs.layout import Layout
from workers.inspection.parsers.port import LimitExceeded

if TYPE_CHECKING:
    import pikepdf

_LONGEST = 1 << 20
_HEADER = re.compile(rb"\d{1,10}[\s\0]{1,8}\d{1,5}[\s\0]{0,8}obj")
_END = re.compile(rb"\bendobj|\bstream\r?\n")
# An object by itself has no other objects to refer to.
_REFERENCE = re.compile(rb"(?<![\d.])\d{1,10}[\s\0]{1,8}\d{1,5}[\s\0]{1,8}R(?![\w.])")
_ELSEWHERE = b"/.elsewhere"


def unreached_objects(
    pdf: "pikepdf.Pdf", table: Mapping[tuple[int, int], "pikepdf.XrefEntry"], file: BinaryIO, layout: Layout, limit: int
) -> Iterator["pikepdf.Object"]:
    """Yield those that can be parsed; references in them are replaced by a name."""
    if not pdf.is_encrypted:
        reached = {entry.offset for entry in table.values() if entry.type == 1}
        for offset in layout.objects:
            if offset not in reached:
                yield from _parsed(text_at(file, offset))
    current = {
        (entry.obj_stream_number, number)
        for (number, _), entry in table.items()
        if entry.type == 2  # in an object stream
    }
    yield from _in_object_streams(pdf, current, limit)


def text_at(file: BinaryIO, offset: int) -> bytes:
    """The text of the object that begins at `offset`, up to its stream."""
    file.seek(offset)
    text = file.read(4096)
    if _END.search(text) is None:
        text += file.read(_LONGEST)
    header, end = _HEADER.match(text), _END.search(text)
    return text[header.end() : end.start() if end else None] if header else b""


def _parsed(text: bytes) -> Iterator["pikepdf.Object"]:
    import pikepdf

    if b"/" not in text:
        return
    try:
        yield pikepdf.Object.parse(_REFERENCE.sub(_ELSEWHERE, text))
    except (pikepdf.PdfError, RuntimeError):
        return  # No program reads it as an object.


def _in_object_streams(
    pdf: "pikepdf.Pdf", current: set[tuple[int | None, int]], limit: int
) -> Iterator["pikepdf.Object"]:
    """Yield the objects in object streams that are none of the `current` ones (stream's number, object's number)."""
    import pikepdf

    count = 0
    for one in pdf.objects:
        if isinstance(one, pikepdf.Stream) and one.get("/Type") == pikepdf.Name.ObjStm:
            packed = _unpacked(one.read_bytes(), _whole_number(one.get("/First")))
            count += len(packed)
            if count > limit:
                raise LimitExceeded(f"The PDF has more than {limit:,} objects (pdf_objects).")
            for number, text in packed:
                if (one.objgen[0], number) not in current:
                    yield from _parsed(text)


def _whole_number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _unpacked(content: bytes, first: int) -> list[tuple[int, bytes]]:
    """The objects of an object stream, each with its number: ISO 32000-2, 7.5.7."""
    numbers = [int(each) for each in re.findall(rb"\d{1,9}", content[: max(first, 0)])]
    starts = [first + each for each in numbers[1::2]]
    ends = dict(zip(sorted(starts), [*sorted(starts)[1:], len(content)], strict=True))
    return [(number, content[start : ends[start]]) for number, start in zip(numbers[::2], starts, strict=False)]
