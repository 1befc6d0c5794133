"""HEIC, HEIF and AVIF (ISO/IEC 23008-12): items and sequences in the boxes of an MP4.

The boxes are read first: for the dimensions, before a pixel is decoded; for parts that are in another file, which
libraries pass over in silence; and for what is missing at the end. Then libheif decodes every picture of a HEIF, and
Pillow every frame of an AVIF.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from workers.inspection.parsers.boxes import Box, boxes, content, unsafe_references
from workers.inspection.parsers.images.decoding import decode_frames, decoding
from workers.inspection.parsers.images.heif_items import last_extent
from workers.inspection.parsers.images.structure import MalformedImage, Picture, reserve, truncated

if TYPE_CHECKING:
    from pi_heif import HeifFile

# Boxes that hold others, and the bytes of a version and flags before these (14496-12, 23008-12).
_NESTED = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"dinf": 0, b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0}
# Boxes that makers put beside the picture: Samsung's records, the video of a motion photo, anyone's `uuid`.
_MAKERS = frozenset({b"mpvd", b"sefd", b"uuid", b"sefh", b"SEFT"})
_KNOWN = frozenset(b"ftyp meta mdat moov moof idat free skip wide styp sidx mfra pdin".split())
_DEPTH = 8
_MOST_BOXES = 100_000
# The planes of the decoder, the converted picture and the library's copies. An AVIF with 10 bits takes most.
_PIXEL_BYTES = 10
_MOST_ILOC = 16 * 1024 * 1024


def examine_heif(picture: Picture) -> None:
    """Decode every picture by libheif. Raises MalformedImage, LimitExceeded."""
    width, height = _structure(picture)
    reserve(_PIXEL_BYTES * width * height + picture.size, width, height)
    with decoding():
        file = _heif_file(picture)
        if not len(file):
            raise MalformedImage("There is no image in the HEIF.")
        for image in file:
            picture.frame()
            picture.area(*image.size)
            image.load()


def examine_avif(picture: Picture) -> None:
    """Decode every frame by Pillow. Raises MalformedImage, LimitExceeded."""
    from PIL import AvifImagePlugin

    width, height = _structure(picture)
    reserve(_PIXEL_BYTES * width * height + picture.size, width, height)
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # an examiner's process may not start a thread
    picture.file.seek(0)
    decode_frames(picture, AvifImagePlugin.AvifImageFile, picture.file)


def _heif_file(picture: Picture) -> "HeifFile":
    import pi_heif

    pi_heif.options.DECODE_THREADS = 1
    pi_heif.options.THUMBNAILS = True
    picture.file.seek(0)
    return pi_heif.open_heif(picture.file, convert_hdr_to_8bit=True)


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
            self.missing |= last_extent(content(self._picture.file, box, _MOST_ILOC)) > self._picture.size
        elif box.kind == b"ispe" and len(body := content(self._picture.file, box, 12)) == 12:
            size = int.from_bytes(body[4:8], "big"), int.from_bytes(body[8:12], "big")
            self._picture.area(*size)
            self.largest = max(self.largest, size, key=lambda each: each[0] * each[1])


def _structure(picture: Picture) -> tuple[int, int]:
    """Read all boxes: the largest dimensions. Raises MalformedImage, LimitExceeded."""
    structure, last = _Structure(picture), 0
    for number, (depth, box) in enumerate(_all_boxes(picture, 0, picture.size, 0)):
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


def _all_boxes(picture: Picture, start: int, end: int, depth: int) -> Iterator[tuple[int, Box]]:
    for box in boxes(picture.file, start, end):
        yield depth, box
        if box.kind in _NESTED and depth < _DEPTH:
            yield from _all_boxes(picture, box.body + _NESTED[box.kind], min(box.end, end), depth + 1)
