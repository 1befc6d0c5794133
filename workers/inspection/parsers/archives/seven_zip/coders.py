"""What a folder of a 7z archive is compressed with, and py7zr's decompressor for it, on a short leash."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from workers.inspection.parsers.archives.decompressors import check_memory
from workers.inspection.parsers.archives.errors import MalformedArchive, UnreadableArchive

_AES = b"\x06\xf1\x07\x01"
_LZMA, _LZMA2 = b"\x03\x01\x01", b"\x21"
# The ids are those of https://py7zr.readthedocs.io/en/latest/archive_format.html. Left out: what py7zr cannot do
# (BCJ2), and what it does without a bound on what comes out (zstd, deflate64) or in a thread of its own (PPMd).
_KNOWN = {
    b"\x00": "copy",
    b"\x03": "delta",
    _LZMA: "LZMA",
    _LZMA2: "LZMA2",
    b"\x03\x03\x01\x03": "x86",
    b"\x03\x03\x02\x05": "PowerPC",
    b"\x03\x03\x05\x01": "ARM",
    b"\x03\x03\x07\x01": "ARM Thumb",
    b"\x03\x03\x08\x05": "SPARC",
    b"\x04\x01\x08": "deflate",
    b"\x04\x02\x02": "bzip2",
}
_BLOCK = 8 << 10
"""Bytes that py7zr takes in at once. Its deflate gives all that comes of them: 1,032 times as much at most."""


class Coder(NamedTuple):
    """One step; `simple` if it takes one stream and gives one."""

    method: bytes
    properties: bytes
    simple: bool


class FolderDecompressor(Protocol):
    """Of py7zr's decompressor, what is used: it reads `file` where it stands; `consumed` bytes so far."""

    consumed: int

    def decompress(self, file: Any, max_length: int) -> bytes: ...


def check_supported(coders: list[Coder]) -> None:
    """Raise Closed where the coders cannot be undone, and Exceeded where that takes too much memory."""
    if any(coder.method == _AES for coder in coders):
        raise UnreadableArchive("encrypted", "The archive is encrypted.")
    if len(coders) > 4 or not all(coder.simple and coder.method in _KNOWN for coder in coders):
        raise UnreadableArchive("unsupported_compression", "The archive is compressed in a way that is not known here.")
    for coder in coders:
        check_memory(_DICTIONARIES.get(coder.method, _none)(coder.properties))


def _lzma(properties: bytes) -> int:
    if len(properties) != 5:
        raise MalformedArchive("the properties of its LZMA data are not valid")
    return int.from_bytes(properties[1:], "little")


def _lzma2(properties: bytes) -> int:
    if len(properties) != 1 or properties[0] > 40:
        raise MalformedArchive("the properties of its LZMA data are not valid")
    return (2 | properties[0] & 1) << properties[0] // 2 + 11


def _none(_properties: bytes) -> int:
    return 0


_DICTIONARIES: dict[bytes, Callable[[bytes], int]] = {_LZMA: _lzma, _LZMA2: _lzma2}


def folder_decompressor(
    coders: list[dict[str, Any]], packed: int, sizes: list[int], crc: int | None
) -> FolderDecompressor:
    """A decompressor for coders that were admitted, as py7zr read them."""
    from py7zr.compressor import SevenZipDecompressor

    with py7zr_errors():
        made: FolderDecompressor = SevenZipDecompressor(coders, packed, sizes, crc, None, _BLOCK)
    return made


@contextmanager
def py7zr_errors() -> Iterator[None]:
    """py7zr checks little of what it reads: broken data end in any exception (IndexError, AssertionError, …)."""
    from py7zr.exceptions import UnsupportedCompressionMethodError

    try:
        yield
    except (MemoryError, RecursionError, MalformedArchive):
        raise
    except UnsupportedCompressionMethodError as error:
        message = "The archive is compressed in a way that is not known here."
        raise UnreadableArchive("unsupported_compression", message) from error
    except Exception as error:
        raise MalformedArchive("its data are not valid") from error
