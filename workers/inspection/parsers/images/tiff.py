"""TIFF 6.0 and BigTIFF: a chain of directories, one for each page, whose parts may be anywhere in the file.

So a TIFF has no end of its own, and no bytes count as trailing: identification seeks other formats in all of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from workers.inspection.parsers.images.decoding import decoding
from workers.inspection.parsers.images.structure import MalformedImage, Picture, read_struct, reserve, truncated
from workers.inspection.parsers.images.tiff_parts import Layout, examine_parts

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

_BIG = 43
_NO_MODE = "unknown pixel mode"
# TIFF 6.0: the tags with the offsets and lengths of strips and of tiles.
_PARTS = ((273, 279), (324, 325))
_COMPRESSION = 259
# Without compression, LZW, deflate (two numbers) and PackBits: their decoders tell where data are missing.
_STRICT = frozenset({1, 5, 8, 32946, 32773})
# LZMA, Zstandard, WebP, JPEG XL, LERC: libtiff is built with some of them.
_RARE = frozenset({34925, 50000, 50001, 50002, 52546, 34887})
# Pillow's pixels, and libtiff's strip, which may be all of the page.
_PIXEL_BYTES = 8


def examine(picture: Picture) -> None:
    """Decode every page. Raises MalformedImage, LimitExceeded."""
    layout, directories = _directories(picture)
    decoded = 0
    try:
        # Pillow takes a BigTIFF in Motorola's byte order for a TIFF.
        if layout != Layout(">", is_big=True):
            for page in _decoded_pages(picture):
                decoded = page
            return
    except MalformedImage as error:
        if _NO_MODE not in error.message:
            raise
    with decoding():
        examine_parts(picture, layout, directories[decoded:])


def _decoded_pages(picture: Picture) -> Iterator[int]:
    """Decode page after page; the number of those that are decoded."""
    from PIL.TiffImagePlugin import TiffImageFile

    picture.file.seek(0)
    with decoding():
        image = TiffImageFile(picture.file)
        while True:
            picture.frame(*image.size)
            reserve(_PIXEL_BYTES * image.width * image.height, *image.size)
            _load(image, picture)
            yield image.tell() + 1
            try:
                image.seek(image.tell() + 1)
            except EOFError:
                return


def _directories(picture: Picture) -> tuple[Layout, Sequence[int]]:
    """How the TIFF is written, and where its directories are. Raises MalformedImage where one is outside of it."""
    file = picture.file
    file.seek(0)
    order = "<" if file.read(2) == b"II" else ">"
    big = read_struct(file, order + "H")[0] == _BIG
    offset_type, count_type, entry_size = (order + "Q", order + "Q", 20) if big else (order + "I", order + "H", 12)
    if big:
        read_struct(file, "HH")
    directory = read_struct(file, offset_type)[0]
    seen: dict[int, None] = {}
    while directory and directory not in seen:
        if directory >= picture.size:
            if not seen:
                raise truncated()
            picture.note("The last page of the TIFF points outside of the file.")
            break
        seen[directory] = None
        file.seek(directory)
        entries = read_struct(file, count_type)[0]
        file.seek(min(file.tell() + entries * entry_size, picture.size))
        directory = int.from_bytes(file.read(8 if big else 4), "little" if order == "<" else "big")
    return Layout(order, big), list(seen)


def _load(image: "ImageFile", picture: Picture) -> None:
    """Decode a page. A part that is said to be longer than the file may have all of its pixels nevertheless."""
    tags: Mapping[int, object] = image.tag_v2  # type: ignore[attr-defined]
    whole = _parts_are_inside(tags, picture.size)
    if not whole and tags.get(_COMPRESSION, 1) not in _STRICT:
        raise truncated()
    try:
        image.load()
    except OSError as error:
        if tags.get(_COMPRESSION, 1) in _RARE:
            raise MalformedImage("The compression of the TIFF is not supported.", "unsupported") from error
        if whole:
            raise
        raise truncated() from error
    if not whole:
        picture.note("A part of the TIFF is said to be longer than the file.")


def _parts_are_inside(tags: Mapping[int, object], size: int) -> bool:
    """Whether all parts end within the file. Raises MalformedImage where one begins outside of it."""
    inside = True
    for offsets, lengths in _PARTS:
        starts, counts = tags.get(offsets), tags.get(lengths)
        if isinstance(starts, tuple) and any(start >= size for start in starts):
            raise truncated()
        if isinstance(starts, tuple) and isinstance(counts, tuple):
            inside &= all(start + count <= size for start, count in zip(starts, counts, strict=False))
    return inside
