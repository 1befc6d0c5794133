"""Pages of a TIFF for whose pixels Pillow has no mode: 64-bit numbers, rare channels, BigTIFF in Motorola's byte order.

What a value means does not matter here. Each part (a strip or a tile) is decompressed by libtiff as if it were a grey
picture of as many bytes, which finds those that are missing. Parts that libtiff is not asked for are `unsupported`.

Sources: TIFF 6.0, sections 2, 8, 14 and 15; "The BigTIFF File Format" (AWare Systems).
"""

import io
import struct
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, repeat
from typing import NamedTuple

from workers.inspection.parsers.images.structure import MalformedImage, Picture, read_exactly, reserve, truncated

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _COLOURS, _FILL = 256, 257, 258, 259, 262, 266
_STRIPS, _SAMPLES, _ROWS, _STRIP_LENGTHS, _PLANES = 273, 277, 278, 279, 284
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_LENGTHS = 322, 323, 324, 325
_WANTED = frozenset(
    {_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _COLOURS, _FILL, _STRIPS, _SAMPLES, _ROWS, _STRIP_LENGTHS, _PLANES}
    | {_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_LENGTHS}
)
_MOST_SAMPLES = 1000
_GREY, _SUBSAMPLED, _SEPARATE = 1, 6, 2
_PLAIN = 1
_COMPRESSIONS = frozenset({_PLAIN, 5, 8, 32946, 32773})  # none, LZW, deflate by two numbers, PackBits
_NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}

Tags = Mapping[int, Sequence[int]]


class Layout(NamedTuple):
    """How a TIFF is written: its byte order (`<` or `>`), and whether it is a BigTIFF."""

    order: str
    is_big: bool


def examine_parts(picture: Picture, layout: Layout, directories: Sequence[int]) -> None:
    """Decompress all parts of the pages with these directories; to be called within `decoding`.

    Raises MalformedImage, LimitExceeded, and what a decoder raises.
    """
    for directory in directories:
        tags = _tags(picture, layout, directory)
        picture.frame(_one(tags, _WIDTH, 0), _one(tags, _HEIGHT, 0))
        if _one(tags, _COMPRESSION, _PLAIN) not in _COMPRESSIONS or _one(tags, _COLOURS, _GREY) == _SUBSAMPLED:
            raise MalformedImage("The image cannot be decoded (its pixels are of a rare kind).", "unsupported")
        _decompress(picture, tags)


def _tags(picture: Picture, layout: Layout, at: int) -> Tags:
    """The wanted tags of a directory, as far as they are whole numbers."""
    count, size, field = ("Q", "Q", 8) if layout.is_big else ("H", "I", 4)
    picture.file.seek(at)
    (entries,) = struct.unpack(layout.order + count, read_exactly(picture.file, struct.calcsize("=" + count)))
    if entries * (4 + 2 * field) > picture.size:
        raise truncated()
    table = read_exactly(picture.file, entries * (4 + 2 * field))
    found = {}
    for start in range(0, len(table), 4 + 2 * field):
        tag, kind, number = struct.unpack_from(f"{layout.order}HH{size}", table, start)
        value = table[start + 4 + field : start + 4 + 2 * field]
        if tag in _WANTED and kind in _NUMBERS:
            found[tag] = _values(picture, layout, f"{number}{_NUMBERS[kind]}", value)
    return found


def _values(picture: Picture, layout: Layout, kind: str, value: bytes) -> Sequence[int]:
    """The numbers of a tag: in its entry where they fit into that, else where the entry says."""
    length = struct.calcsize("=" + kind)
    if length > len(value):
        if length > picture.size:
            raise truncated()
        picture.file.seek(struct.unpack(layout.order + ("Q" if layout.is_big else "I"), value)[0])
        value = read_exactly(picture.file, length)
    return struct.unpack_from(layout.order + kind, value)


def _one(tags: Tags, tag: int, default: int) -> int:
    return next(iter(tags.get(tag, ())), default)


def _decompress(picture: Picture, tags: Tags) -> None:
    starts = tags.get(_TILES, tags.get(_STRIPS, ()))
    lengths = tags.get(_TILE_LENGTHS, tags.get(_STRIP_LENGTHS, ()))
    # A false height would make more of them than the memory has room for.
    sizes = list(islice(_sizes(tags), len(starts) + 1))
    if not sizes or not len(starts) == len(lengths) == len(sizes):
        raise MalformedImage("The parts of the TIFF are not those that its size needs.")
    for start, length, (row, rows) in zip(starts, lengths, sizes, strict=True):
        if start + length > picture.size:
            raise truncated()
        picture.file.seek(start)
        _decompress_one(picture, tags, read_exactly(picture.file, length), row, rows)


def _sizes(tags: Tags) -> Iterator[tuple[int, int]]:
    """For each part the bytes of a row and the number of rows."""
    samples, height, width = _one(tags, _SAMPLES, 1), _one(tags, _HEIGHT, 0), _one(tags, _WIDTH, 0)
    if samples > _MOST_SAMPLES:
        return
    bits = tuple(tags.get(_BITS, (1,)))
    bits = bits if len(bits) == samples else bits[:1] * samples
    planes = bits if _one(tags, _PLANES, 1) == _SEPARATE else (sum(bits),)
    for plane in planes:
        if _TILES in tags:
            across, down = max(1, _one(tags, _TILE_WIDTH, 0)), max(1, _one(tags, _TILE_HEIGHT, 0))
            yield from repeat(((across * plane + 7) // 8, down), -(-width // across) * -(-height // down))
        else:
            rows = max(1, min(_one(tags, _ROWS, height), height))
            for top in range(0, height, rows):
                yield (width * plane + 7) // 8, min(rows, height - top)


def _decompress_one(picture: Picture, tags: Tags, content: bytes, row: int, rows: int) -> None:
    compression = _one(tags, _COMPRESSION, _PLAIN)
    if compression == _PLAIN:
        if len(content) < row * rows:
            raise truncated()
        return
    from PIL.TiffImagePlugin import TiffImageFile

    picture.area(row, rows)
    reserve(2 * row * rows, row, rows)
    grey = {_WIDTH: row, _HEIGHT: rows, _BITS: 8, _COMPRESSION: compression, _COLOURS: _GREY,
            _FILL: _one(tags, _FILL, 1), _SAMPLES: 1, _ROWS: rows, _STRIP_LENGTHS: len(content)}  # fmt: skip
    try:
        TiffImageFile(io.BytesIO(_grey_picture(grey, content))).load()
    except OSError as error:
        raise truncated() from error


def _grey_picture(tags: dict[int, int], content: bytes) -> bytes:
    """A TIFF with these tags and one strip."""
    directory = 8 + 2 + 12 * (len(tags) + 1) + 4
    entries = sorted({**tags, _STRIPS: directory}.items())
    return (
        struct.pack("<2sHIH", b"II", 42, 8, len(entries))
        + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
        + bytes(4)
        + content
    )
