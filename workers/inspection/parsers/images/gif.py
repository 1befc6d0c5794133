"""GIF (https://www.w3.org/Graphics/GIF/spec-gif89a.txt): blocks of sub-blocks, up to the trailer."""

from typing import BinaryIO

from workers.inspection.parsers.images.structure import ImageLimits, MalformedImage, read_exactly, read_struct

_EXTENSION, _IMAGE, _TRAILER = b"!", b",", b";"


def end(file: BinaryIO, size: int, image_limits: ImageLimits) -> int:  # noqa: ARG001 # all readers have this signature
    """The offset after the trailer. Counts the frames."""
    file.seek(6)
    width, height, flags, _, _ = read_struct(file, "<HHBBB")
    _colours(file, flags)
    while (block := read_exactly(file, 1)) != _TRAILER:
        if block == _EXTENSION:
            read_exactly(file, 1)
            _skip(file)
        elif block == _IMAGE:
            width, height = _image(file, width, height, image_limits)
        elif block != b"\0":  # some writers end a block twice
            raise MalformedImage("A block of the GIF has an unknown type.")
    if not image_limits.frames:
        raise MalformedImage("There is no image in the GIF.")
    return file.tell()


def _image(file: BinaryIO, width: int, height: int, image_limits: ImageLimits) -> tuple[int, int]:
    """Read one frame; the dimensions of the canvas, which decoders enlarge where a frame is outside of it."""
    left, top, across, down, flags = read_struct(file, "<HHHHB")
    width, height = max(width, left + across), max(height, top + down)
    image_limits.frame()
    image_limits.area(width, height)
    _colours(file, flags)
    read_exactly(file, 1)
    _skip(file)
    return width, height


def _colours(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        read_exactly(file, 3 << (flags & 7) + 1)


def _skip(file: BinaryIO) -> None:
    """Skip the sub-blocks and the empty one that ends them."""
    while length := read_exactly(file, 1)[0]:
        read_exactly(file, length)
