"""Pillow's decoders: each is called directly, since `Image.open` has more formats, some of which run programs."""

import errno
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from workers.inspection.parsers.images.structure import MalformedImage, Picture, truncated
from workers.inspection.parsers.port import EnvironmentFault, LimitExceeded

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

# In the messages for files that may be well-formed, but that the libraries cannot decode.
_UNSUPPORTED = (
    "unsupported",
    "not supported",
    "not yet supported",
    "unknown pixel mode",
    "unknown raw mode",
    "not available",
    "not impl",
    "cannot handle",
)
_MISSING = ("truncated", "unexpected end", "end of file", "eof", "insufficient data", "buffer is not large enough")
_MEMORY = ("out of memory", "memory_allocation", "memory allocation", "allocat")
# The device failed, or there is no room, no descriptor or no random numbers: not the file's fault (errno(3)).
_OURS = frozenset({errno.EIO, errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.EACCES, errno.ENOENT, errno.EPERM})


@contextmanager
def decoding() -> Iterator[None]:
    """Turns whatever a decoder raises into MalformedImage, LimitExceeded, MemoryError or EnvironmentFault."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # our own limit is tested before each frame
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except (MalformedImage, LimitExceeded, EnvironmentFault, MemoryError, RecursionError):
        raise
    except Exception as error:  # whatever else a decoder raises, the cause is the file
        raise _reason(error) from error


def decode_frames(picture: Picture, open_image: Callable[[BinaryIO], "ImageFile"], file: BinaryIO) -> None:
    """Decode all frames of `file`. Raises as `decoding` does."""
    with decoding():
        image = open_image(file)
        while True:
            picture.frame(*image.size)
            image.load()
            try:
                image.seek(image.tell() + 1)
            except EOFError:
                return


def _reason(error: Exception) -> Exception:
    if isinstance(error, OSError) and error.errno in _OURS:
        return EnvironmentFault(f"the image decoder failed: {error}")
    text = f"{error}"
    if _says(text, _MEMORY):
        return MemoryError()
    if _says(text, _MISSING):
        return truncated()
    reason = "".join(letter for letter in text[:100] if letter.isascii() and letter.isprintable()).rstrip(".")
    code = "unsupported" if _says(text, _UNSUPPORTED) else "malformed"
    return MalformedImage(f"The image cannot be decoded ({reason or type(error).__name__}).", code)


def _says(text: str, words: Sequence[str]) -> bool:
    return any(each in text.lower() for each in words)
