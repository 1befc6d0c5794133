"""The compression methods of a 7z folder, and py7zr's decompressor for them, which is bounded here."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple, Protocol

from workers.inspection.parsers.archives.decompressors import PIECE, check_memory
from workers.inspection.parsers.archives.errors import MalformedArchive, UnreadableArchive

_AES = b"\x06\xf1\x07\x01"
_LZMA, _LZMA2 = b"\x03\x01\x01", b"\x21"
# The ids of https://py7zr.readthedocs.io/en/latest/archive_format.html. Not supported here: what py7zr cannot unpack
# (BCJ2), what it unpacks without a limit of the output (zstd, deflate64) or in a thread of its own (PPMd).
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
"""Bytes that py7zr reads at once. Its deflate returns all output of one read: at most 1,032 times as much."""


class Coder(NamedTuple):
    """One step of the compression; `simple` says that it has one input and one output stream."""

    method: bytes
    properties: bytes
    simple: bool


class FolderDecompressor(Protocol):
    """What is used of py7zr's decompressor. It reads `file` at its position; `consumed` counts the bytes read."""

    consumed: int

    def decompress(self, file: Any, max_length: int) -> bytes: ...


def check_supported(coders: list[Coder]) -> None:
    """Raise UnreadableArchive where a method is not supported, and LimitExceeded where it needs too much memory."""
    if any(coder.method == _AES for coder in coders):
        raise UnreadableArchive("encrypted", "The archive is encrypted.")
    if len(coders) > 4 or not all(coder.simple and coder.method in _KNOWN for coder in coders):
        raise UnreadableArchive("unsupported_compression", "The archive is compressed by an unknown method.")
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
    """A decompressor for supported coders, which are as py7zr read them; `packed` bytes give outputs of `sizes`."""
    from py7zr.compressor import SevenZipDecompressor

    with py7zr_errors():
        made: FolderDecompressor = SevenZipDecompressor(coders, packed, sizes, crc, None, _BLOCK)
    return made


def unpacked(file: BinaryIO, source: FolderDecompressor, size: int) -> Iterator[bytes]:
    """The next `size` bytes, in pieces of at most PIECE bytes; raises MalformedArchive where there are fewer."""
    while size:
        before = source.consumed
        with py7zr_errors():
            piece = bytes(source.decompress(file, min(size, PIECE)))
        if not piece and source.consumed == before:
            raise MalformedArchive("its compressed data end too early")
        size -= len(piece)
        if piece:
            yield piece


@contextmanager
def py7zr_errors() -> Iterator[None]:
    """Turn any exception of py7zr into one of ours: it validates little, so malformed data can raise anything."""
    from py7zr.exceptions import UnsupportedCompressionMethodError

    try:
        yield
    except (MemoryError, RecursionError, MalformedArchive):
        raise
    except UnsupportedCompressionMethodError as error:
        message = "The archive is compressed by an unknown method."
        raise UnreadableArchive("unsupported_compression", message) from error
    except Exception as error:
        raise MalformedArchive("its data are not valid") from error
