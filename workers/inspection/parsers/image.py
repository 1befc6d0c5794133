"""The examiner `image`: PNG, JPEG, GIF, WebP, TIFF, BMP, HEIC, HEIF and AVIF. Every frame is decoded.

First the structure is read. That gives the dimensions and finds what is missing, before a pixel is decoded. Then the
format's own decoder reads all pixels, in memory that is bounded: a JPEG at an eighth of its width and height, a PNG
piece by piece. The others take several bytes a pixel, and a picture for which there is no memory is above a limit.

What every decoder passes over is a note: a missing end, a wrong size, bytes behind the picture. Which formats these
bytes have is identification's to say. Pixels that are missing are `truncated`.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import BinaryIO

from workers.inspection.parsers.header_scripts import begins_as_script
from workers.inspection.parsers.images import bmp, gif, heif, jpeg, png, tiff, webp
from workers.inspection.parsers.images.structure import MalformedImage, Picture
from workers.inspection.parsers.port import Output
from workers.inspection.parsers.ranges import section
from workers.inspection.readings import Reading

MODULES: Sequence[str] = (
    *(f"PIL.{each}ImagePlugin" for each in ("Avif", "Bmp", "Gif", "Jpeg", "Tiff", "WebP")),
    "av",
    "pi_heif",
)
DEFAULTS: Mapping[str, int] = MappingProxyType({"image_pixels": 300_000_000, "image_frames": 1000})

_EXAMINERS: Mapping[str, Callable[[Picture], None]] = {
    "image/png": png.examine,
    "image/jpeg": jpeg.examine,
    "image/gif": gif.examine,
    "image/webp": webp.examine,
    "image/tiff": tiff.examine,
    "image/bmp": bmp.examine,
    "image/heic": heif.examine_heif,
    "image/heif": heif.examine_heif,
    "image/avif": heif.examine_avif,
}


def examine(file: BinaryIO, size: int, reading: Reading, limits: Mapping[str, int], output: Output) -> None:
    """Codes: truncated, malformed, unsupported, polyglot, external_reference; the notes irregular and maker_trailer.

    Raises LimitExceeded above a limit, KeyError for a type of another examiner.
    """
    image = section(file, reading.start, size)
    picture = Picture(image, size - reading.start, limits, output)
    if begins_as_script(image):
        output.finding("polyglot", "The first bytes of the image are also a JavaScript program.")
    try:
        _EXAMINERS[reading.media_type](picture)
    except MalformedImage as error:
        output.finding(error.code, error.message)
