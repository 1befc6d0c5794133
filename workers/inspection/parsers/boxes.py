"""The boxes of the ISO base media file format (ISO/IEC 14496-12, section 4.2): MP4, QuickTime, HEIF and AVIF."""

import struct
from collections.abc import Iterator, Mapping
from typing import BinaryIO, NamedTuple

_LONG = struct.Struct(">Q")
_HEADER = struct.Struct(">I4s")
_DEPTH = 8


class Box(NamedTuple):
    """Offsets into the file: of the box, of its content, and of what follows. `end` may be behind the file's end."""

    kind: bytes
    start: int
    body: int
    end: int


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """The boxes between two offsets. Ends before what is no box: less than a header, or a size that is too small."""
    while end - start >= _HEADER.size:
        file.seek(start)
        header = file.read(16)
        if len(header) < _HEADER.size:
            return
        length, kind = _HEADER.unpack_from(header)
        body = start + 8
        if length == 1 and len(header) == 16:
            length, body = _LONG.unpack_from(header, 8)[0], start + 16
        elif length == 0:
            length = end - start
        if length < body - start:
            return
        yield Box(kind, start, body, start + length)
        start += length


def all_boxes(
    file: BinaryIO, start: int, end: int, nested: Mapping[bytes, int], depth: int = 0
) -> Iterator[tuple[int, Box]]:
    """The boxes between two offsets, and behind each the boxes in it; with how many others each is in.

    `nested` has the kinds that hold others, and how many bytes stand before these.
    """
    for box in boxes(file, start, end):
        yield depth, box
        if box.kind in nested and depth < _DEPTH:
            yield from all_boxes(file, box.body + nested[box.kind], min(box.end, end), nested, depth + 1)


def content(file: BinaryIO, box: Box, most: int) -> bytes:
    """The first bytes of what is in a box, at most `most` of them."""
    file.seek(box.body)
    return file.read(max(0, min(box.end - box.body, most)))


def unsafe_references(file: BinaryIO, box: Box, most: int = 65536) -> list[str]:
    """The kinds of references of a `dref` box by which its tracks or items are outside of the file.

    An entry is harmless where its flag says that the data are in the file (ISO/IEC 14496-12, 8.7.2), where it is empty,
    or where it is the alias that QuickTime writes for the file itself (`alis` with that flag).
    """
    found = []
    for entry in boxes(file, box.body + 8, min(box.end, box.body + most)):
        flags = content(file, entry, 4)
        inside = flags[3:] == b"\1" or entry.end - entry.body <= 4
        if not inside:
            found.append(entry.kind.decode("ascii", "replace").strip())
    return found
