"""HEIC, HEIF and AVIF (ISO/IEC 23008-12): items and sequences in the boxes of an MP4.

The boxes are read first: for the dimensions, before a pixel is decoded; for parts that are in another file, which
libraries pass over in silence; and for what is missing at the end. Then the parts are decoded (`heif_tiles`).
"""

from collections.abc import Callable

from workers.inspection.parsers.boxes import Box, all_boxes, content, unsafe_references
from workers.inspection.parsers.images import heif_tiles
from workers.inspection.parsers.images.decoding import decode_frames, decoding
from workers.inspection.parsers.images.structure import MalformedImage, Picture, reserve, truncated

# Boxes that hold others, and the bytes of a version and flags before these (14496-12, 23008-12).
_NESTED = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"dinf": 0, b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0}
# Boxes that makers put beside the picture: Samsung's records, the video of a motion photo, anyone's `uuid`.
_MAKERS = frozenset({b"mpvd", b"sefd", b"uuid", b"sefh", b"SEFT"})
_KNOWN = frozenset(b"ftyp meta mdat moov moof idat free skip wide styp sidx mfra pdin".split())
_MOST_BOXES = 100_000
# The planes of the decoder, the converted picture and the library's copies. An AVIF with 10 bits takes most.
_PIXEL_BYTES = 10
# How an item is found: by an offset in the file (ISO/IEC 14496-12, 8.11.3).
_IN_FILE = 0
_MOST_ILOC = 16 * 1024 * 1024


def examine_heif(picture: Picture) -> None:
    """Decode every part; what FFmpeg cannot, libheif does. Raises MalformedImage, LimitExceeded."""
    _examine(picture, _by_libheif)


def examine_avif(picture: Picture) -> None:
    """Decode every frame; what FFmpeg cannot, Pillow does. Raises MalformedImage, LimitExceeded."""
    _examine(picture, _by_pillow)


def _examine(picture: Picture, by_library: Callable[[Picture], None]) -> None:
    width, height = _structure(picture)
    try:
        heif_tiles.decode(picture)
    except MalformedImage:
        reserve(_PIXEL_BYTES * width * height + picture.size, width, height)
        by_library(picture)
        picture.note("A part of the file that is not the image cannot be decoded.")


def _by_libheif(picture: Picture) -> None:
    import pi_heif  # type: ignore[import-untyped]

    # An examiner's process may not start a thread. What is not the picture itself was tried before.
    pi_heif.options.DECODE_THREADS = 1
    pi_heif.options.THUMBNAILS = pi_heif.options.DEPTH_IMAGES = pi_heif.options.AUX_IMAGES = False
    picture.file.seek(0)
    with decoding():
        file = pi_heif.open_heif(picture.file, convert_hdr_to_8bit=True)
        if not len(file):
            raise MalformedImage("There is no image in the HEIF.")
        for image in file:
            picture.frame(*image.size)
            image.load()


def _by_pillow(picture: Picture) -> None:
    from PIL import AvifImagePlugin

    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    picture.file.seek(0)
    decode_frames(picture, AvifImagePlugin.AvifImageFile, picture.file)


class _Structure:
    """What the boxes tell: the largest dimensions, and whether parts are missing."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self.largest = (0, 0)
        self.missing = False

    def outer(self, box: Box) -> bool:
        """Read a box that stands beside the others; False where it is no box, but other bytes behind the picture."""
        known = box.kind in _KNOWN | _MAKERS
        if box.end > self._picture.size:
            self.missing |= known
            return known
        if box.kind in _MAKERS:
            self._picture.note("A camera maker's own data stand beside the image.", "maker_trailer")
        elif not known:
            self._picture.note("Data of an unknown kind stand beside the image.")
        return True

    def inner(self, box: Box) -> None:
        self.missing |= box.end > self._picture.size
        if box.kind == b"dref" and (kinds := unsafe_references(self._picture.file, box)):
            self._picture.note(
                f"Parts of the image are in another file ({', '.join(kinds)[:64]}).", "external_reference"
            )
        elif box.kind == b"iloc":
            self.missing |= _last_extent(content(self._picture.file, box, _MOST_ILOC)) > self._picture.size
        elif box.kind == b"ispe" and len(body := content(self._picture.file, box, 12)) == 12:
            size = int.from_bytes(body[4:8], "big"), int.from_bytes(body[8:12], "big")
            self._picture.area(*size)
            self.largest = max(self.largest, size, key=lambda each: each[0] * each[1])


def _structure(picture: Picture) -> tuple[int, int]:
    """Read all boxes: the largest dimensions. Raises MalformedImage, LimitExceeded."""
    structure, last = _Structure(picture), 0
    for number, (depth, box) in enumerate(all_boxes(picture.file, 0, picture.size, _NESTED)):
        if number > _MOST_BOXES:
            raise MalformedImage("The image has too many parts.")
        if depth:
            structure.inner(box)
        elif structure.outer(box):
            last = min(box.end, picture.size)
        else:
            break
    if structure.missing:
        raise truncated()
    picture.remains(last)
    return structure.largest


class _Fields:
    """Reads unsigned numbers of any size, in bytes, one after the other."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def next(self, size: int) -> int:
        if self._at + size > len(self._body):
            raise truncated()
        self._at += size
        return int.from_bytes(self._body[self._at - size : self._at], "big")


def _last_extent(body: bytes) -> int:
    """The offset behind the last byte that an item has in the file. Raises MalformedImage where the box is cut."""
    fields, last = _Fields(body), 0
    version = fields.next(1)
    fields.next(3)
    sizes = fields.next(2)
    offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    wide = 4 if version == 2 else 2
    for _ in range(fields.next(wide)):
        fields.next(wide)
        method = fields.next(2) & 15 if version else _IN_FILE
        fields.next(2)
        start = fields.next(base)
        extents = fields.next(2)
        for _ in range(extents if offset or length else 0):
            fields.next(index if version else 0)
            end = start + fields.next(offset) + fields.next(length)
            last = max(last, end) if method == _IN_FILE else last
    return last
