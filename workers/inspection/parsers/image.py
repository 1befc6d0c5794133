"""The parser `image`: PNG, JPEG, GIF, WebP, TIFF and BMP. Every frame is decoded.

First the structure is read up to the end of the image. That gives the dimensions, and finds missing and trailing bytes,
before a pixel is decoded. Then Pillow decodes it, with the decoder of that format alone. A TIFF has no end of its own,
as its parts may be anywhere in the file: so no bytes of it count as trailing.
"""

import errno
import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO

from workers.inspection.parsers.images import bmp, gif, jpeg, png, tiff, webp
from workers.inspection.parsers.images.structure import ImageLimits, MalformedImage, skip_padding, truncated
from workers.inspection.parsers.port import FindingOutcome, LimitExceeded, Output

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

MODULES: Sequence[str] = tuple(f"PIL.{each}ImagePlugin" for each in ("Bmp", "Gif", "Jpeg", "Png", "Tiff", "WebP"))
DEFAULTS: Mapping[str, int] = MappingProxyType({"image_pixels": 50_000_000, "image_frames": 1000})

# Texts and colour profiles in a PNG are compressed: the limits for one of them, and for all together, unpacked.
_TEXT_BYTES = 8 * 1024 * 1024
_ALL_TEXT_BYTES = 64 * 1024 * 1024

# Some thumbnails in office documents end with two extra bytes. Two bytes can hold nothing dangerous.
_STRAY = 2

_BITMAP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})
_TIFF = (b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0")
# TIFF 6.0: the tags with the offsets and lengths of strips and of tiles.
_PARTS = ((273, 279), (324, 325))

_End = Callable[[BinaryIO, int, ImageLimits], int]
_ENDS: Mapping[str, _End] = {
    "PNG": png.end,
    "JPEG": jpeg.end,
    "GIF": gif.end,
    "WEBP": webp.end,
    "TIFF": tiff.end,
    "BMP": bmp.end,
}

# In Pillow's messages for files that may be well-formed, but that it cannot decode.
_UNSUPPORTED = ("unsupported", "not supported", "not yet supported", "unknown pixel mode", "not available", "not impl")


def recognises(head: bytes) -> bool:
    """Whether an object that begins with `head` is of one of the six formats."""
    return _format(head) is not None


def examine(file: BinaryIO, size: int, limits: Mapping[str, int], output: Output) -> None:
    """Codes: truncated, malformed, unsupported, trailing_data. Raises LimitExceeded above a limit."""
    file.seek(0)
    image_format = _format(file.read(4096))
    if image_format is None:
        return
    try:
        if left := _trailing(file, size, _ENDS[image_format], limits):
            output.finding("trailing_data", f"{left} bytes follow the end of the image.")
        with warnings.catch_warnings(action="ignore"):
            _decode(file, size, image_format, ImageLimits(limits))
    except MalformedImage as error:
        outcome: FindingOutcome = "unscannable" if error.code == "unsupported" else "rejected"
        output.finding(error.code, outcome, error.message)


def _format(head: bytes) -> str | None:
    if head.startswith(png.SIGNATURE):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head.startswith(_TIFF):
        return "TIFF"
    # "BM" begins many texts: the reserved fields and the next header's size have to fit too.
    if head.startswith(b"BM") and head[6:10] == bytes(4) and int.from_bytes(head[14:18], "little") in _BITMAP_HEADERS:
        return "BMP"
    return None


def _trailing(file: BinaryIO, size: int, end: _End, limits: Mapping[str, int]) -> int:
    where = end(file, size, ImageLimits(limits))
    return size - skip_padding(file, where) if size - where > _STRAY else 0


def _decode(file: BinaryIO, size: int, image_format: str, image_limits: ImageLimits) -> None:
    try:
        if image_format == "JPEG":
            _decode_images(file, size, image_limits)
        else:
            _decode_frames(file, size, image_format, image_limits)
    except (MalformedImage, LimitExceeded, MemoryError, RecursionError):
        raise
    except Exception as error:  # whatever a decoder raises, the cause is the file
        raise _decoder_error(error) from error


def _decode_frames(file: BinaryIO, size: int, image_format: str, image_limits: ImageLimits) -> None:
    file.seek(0)
    image = _decoders()[image_format](file)
    while True:
        image_limits.frame()
        image_limits.area(*image.size)
        if image_format == "TIFF":
            _check_parts(image, size)
        image.load()
        try:
            image.seek(image.tell() + 1)
        except EOFError:
            return


def _decode_images(file: BinaryIO, size: int, image_limits: ImageLimits) -> None:
    """Decode each image in a JPEG by itself. Pillow would trust an index of images, which editors leave wrong."""
    for start, end in jpeg.images(file, size, image_limits)[0]:
        file.seek(start)
        _decoders()["JPEG"](io.BytesIO(file.read(end - start))).load()


def _check_parts(image: "ImageFile", size: int) -> None:
    """Raises MalformedImage where a part of this TIFF page is outside of the file."""
    tags: Mapping[int, object] = image.tag_v2  # type: ignore[attr-defined]
    for offsets, lengths in _PARTS:
        starts, counts = tags.get(offsets), tags.get(lengths)
        if isinstance(starts, tuple) and isinstance(counts, tuple):
            for start, count in zip(starts, counts, strict=False):
                if start + count > size:
                    raise truncated()


def _decoders() -> Mapping[str, Callable[[BinaryIO], "ImageFile"]]:
    """The decoders by format. They are called directly: `Image.open` has more formats, some of which run programs."""
    from PIL import (
        BmpImagePlugin,
        GifImagePlugin,
        Image,
        JpegImagePlugin,
        PngImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
    )

    Image.MAX_IMAGE_PIXELS = None  # our own limit is tested before each frame
    PngImagePlugin.MAX_TEXT_CHUNK = _TEXT_BYTES
    PngImagePlugin.MAX_TEXT_MEMORY = _ALL_TEXT_BYTES
    return {
        "PNG": PngImagePlugin.PngImageFile,
        "JPEG": JpegImagePlugin.JpegImageFile,
        "GIF": GifImagePlugin.GifImageFile,
        "WEBP": WebPImagePlugin.WebPImageFile,
        "TIFF": TiffImagePlugin.TiffImageFile,
        "BMP": BmpImagePlugin.BmpImageFile,
    }


def _decoder_error(error: Exception) -> Exception:
    """The error to raise for an error of a decoder."""
    text = str(error)
    if isinstance(error, OSError) and error.errno == errno.EIO:
        return error  # the disk fails, not the file
    if "MAX_TEXT" in text:
        return LimitExceeded("The texts in the image unpack to more than the limit.")
    if "out of memory" in text:
        return MemoryError()
    if "truncated" in text.lower():
        return truncated()
    reason = "".join(letter for letter in text[:100] if letter.isascii() and letter.isprintable())
    code = "unsupported" if any(words in text.lower() for words in _UNSUPPORTED) else "malformed"
    return MalformedImage(f"The image cannot be decoded ({reason or type(error).__name__}).", code)
