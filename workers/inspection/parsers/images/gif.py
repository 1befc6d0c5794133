"""GIF (https://www.w3.org/Graphics/GIF/spec-gif89a.txt): blocks of sub-blocks, up to the trailer."""

from typing import BinaryIO

from workers.inspection.parsers.images.outline import Broken, Canvas, take, unpack

_EXTENSION, _IMAGE, _TRAILER = b"!", b",", b";"


def end(file: BinaryIO, size: int, canvas: Canvas) -> int:  # noqa: ARG001 # the readers of all formats are called alike
    """Where the image ends. Counts its frames."""
    file.seek(6)
    width, height, flags, _, _ = unpack(file, "<HHBBB")
    _colours(file, flags)
    while (block := take(file, 1)) != _TRAILER:
        if block == _EXTENSION:
            take(file, 1)
            _skip(file)
        elif block == _IMAGE:
            width, height = _image(file, width, height, canvas)
        elif block != b"\0":  # some writers end a block twice
            raise Broken("what should be a block of it is none")
    if not canvas.frames:
        raise Broken("there is no image in it")
    return file.tell()


def _image(file: BinaryIO, width: int, height: int, canvas: Canvas) -> tuple[int, int]:
    """The canvas, which decoders enlarge to hold what is outside of it."""
    left, top, across, down, flags = unpack(file, "<HHHHB")
    width, height = max(width, left + across), max(height, top + down)
    canvas.frame()
    canvas.area(width, height)
    _colours(file, flags)
    take(file, 1)
    _skip(file)
    return width, height


def _colours(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        take(file, 3 << (flags & 7) + 1)


def _skip(file: BinaryIO) -> None:
    """Over the sub-blocks, to behind the empty one that ends them."""
    while length := take(file, 1)[0]:
        take(file, length)
