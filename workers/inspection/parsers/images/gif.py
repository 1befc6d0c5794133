"""GIF (https://www.w3.org/Graphics/GIF/spec-gif89a.txt): blocks of sub-blocks, up to the trailer.

The blocks are read for the dimensions, which come before a pixel is decoded, and for the end. A file without a trailer,
and one with other bytes in its place, is whole for decoders.
"""

from workers.inspection.parsers.images.decoding import decode_frames
from workers.inspection.parsers.images.structure import (
    MalformedImage,
    Picture,
    read_exactly,
    read_struct,
    reserve,
)

_EXTENSION, _IMAGE, _TRAILER = b"!", b",", b";"
_EMPTY = b"\0"  # some writers end a block twice
# Pillow keeps the frame, the one before it and what an animation restores, with four bytes a pixel each.
_PIXEL_BYTES = 12


def examine(picture: Picture) -> None:
    """Decode every frame. Raises MalformedImage, LimitExceeded."""
    from PIL.GifImagePlugin import GifImageFile

    ended = _blocks(picture)
    picture.file.seek(0)
    try:
        decode_frames(picture, GifImageFile, picture.file)
    except MalformedImage as error:
        # All blocks are there, so the writer left the pixels out: programs show the background in their place.
        if error.code != "truncated" or not ended:
            raise
        picture.note("Pixels are missing in a frame of the GIF.")


def _blocks(picture: Picture) -> bool:
    """Read the blocks up to the trailer: whether there is one. Raises MalformedImage."""
    file, frames = picture.file, 0
    file.seek(6)
    width, height, flags, _, _ = read_struct(file, "<HHBBB")
    _colours(picture, flags)
    while (block := file.read(1)) in (_EXTENSION, _IMAGE, _EMPTY):
        if block == _EXTENSION:
            read_exactly(file, 1)
            _skip(picture)
        elif block == _IMAGE:
            width, height = _image(picture, width, height)
            frames += 1
    _note_end(picture, block)
    if not frames:
        raise MalformedImage("There is no image in the GIF.")
    reserve(_PIXEL_BYTES * width * height, width, height)
    return block == _TRAILER


def _note_end(picture: Picture, block: bytes) -> None:
    if not block:
        picture.note("The GIF has no trailer.")
    elif block == _TRAILER:
        picture.remains(picture.file.tell())
    else:
        picture.note("The blocks of the GIF do not end with a trailer.")


def _image(picture: Picture, width: int, height: int) -> tuple[int, int]:
    """Read one frame; the dimensions of the canvas, which decoders enlarge where a frame is outside of it."""
    left, top, across, down, flags = read_struct(picture.file, "<HHHHB")
    width, height = max(width, left + across), max(height, top + down)
    picture.area(width, height)
    _colours(picture, flags)
    read_exactly(picture.file, 1)
    _skip(picture)
    return width, height


def _colours(picture: Picture, flags: int) -> None:
    if flags & 0x80:
        read_exactly(picture.file, 3 << (flags & 7) + 1)


def _skip(picture: Picture) -> None:
    """Skip the sub-blocks and the empty one that ends them, or the end of the file in its place."""
    while (length := picture.file.read(1)) not in (b"\0", b""):
        read_exactly(picture.file, length[0])
