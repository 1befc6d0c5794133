"""The compression methods of a 7z folder, and py7zr's decompressor for them, which is bounded here."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple, Protocol

from workers.inspection.parsers.archives.decompressors import PIECE, Decompressor, Inflate64, check_memory, zstandard
from workers.inspection.parsers.archives.errors import MalformedArchive, UnreadableArchive

_AES = b"\x06\xf1\x07\x01"
_LZMA, _LZMA2 = b"\x03\x01\x01", b"\x21"
_DEFLATE64, _ZSTD = b"\x04\x01\x09", b"\x04\xf7\x11\x01"
# The ids of https://py7zr.readthedocs.io/en/latest/archive_format.html. Not unpacked by py7zr: what it cannot unpack
# (BCJ2), what it unpacks without a limit of the output (Brotli) or in a thread of its own (PPMd), which the child's
# limits do not allow. For those there is the system's libarchive.
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
    _DEFLATE64: "deflate64",
    b"\x04\x02\x02": "bzip2",
    _ZSTD: "zstd",
}
_BLOCK = 8 << 10
"""Bytes that py7zr reads at once. Its deflate returns all output of one read: at most 1,032 times as much."""
_EMPTY_READS = 3
"""So often may a decompressor give nothing and read nothing before its data count as ended."""


class Coder(NamedTuple):
    """One step of the compression; `simple` says that it has one input and one output stream."""

    method: bytes
    properties: bytes
    simple: bool


class FolderDecompressor(Protocol):
    """What is used of py7zr's decompressor. It reads `file` at its position; `consumed` counts the bytes read."""

    consumed: int
    chain: list[Any]

    def decompress(self, file: Any, max_length: int) -> bytes: ...


def check_not_encrypted(coders: list[Coder]) -> None:
    """Raise UnreadableArchive where a key is needed."""
    if any(coder.method == _AES for coder in coders):
        raise UnreadableArchive("encrypted", "The archive is encrypted.")


def is_supported(coders: list[Coder]) -> bool:
    """Whether the methods are unpacked by py7zr here. Raises LimitExceeded where one needs too much memory."""
    if len(coders) > 4 or not all(coder.simple and coder.method in _KNOWN for coder in coders):
        return False
    for coder in coders:
        check_memory(_DICTIONARIES.get(coder.method, _none)(coder.properties))
    return True


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


class _Bounded:
    """py7zr's interface of a decompressor over one that gives at most as much as it is asked for.

    `next_stream` makes the decompressor of each stream that follows another one.
    """

    def __init__(self, next_stream: Callable[[], Decompressor]) -> None:
        self._next = next_stream
        self._decompressor = next_stream()

    @property
    def needs_input(self) -> bool:
        return self._decompressor.needs_input or self._decompressor.eof

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        if self._decompressor.eof and data:
            data = self._decompressor.unused_data + bytes(data)
            self._decompressor = self._next()
        return self._decompressor.decompress(bytes(data), max_length) if data or not self.needs_input else b""


def folder_decompressor(
    coders: list[dict[str, Any]], packed: int, sizes: list[int], crc: int | None
) -> FolderDecompressor:
    """A decompressor for supported coders, which are as py7zr read them; `packed` bytes give outputs of `sizes`."""
    from py7zr.compressor import Deflate64Decompressor, SevenZipDecompressor, ZstdDecompressor

    bounded: dict[Any, Callable[[], Decompressor]] = {ZstdDecompressor: zstandard, Deflate64Decompressor: Inflate64}
    with py7zr_errors():
        made: FolderDecompressor = SevenZipDecompressor(coders, packed, sizes, crc, None, _BLOCK)
        made.chain = [_Bounded(bounded[type(each)]) if type(each) in bounded else each for each in made.chain]
    return made


class _Gate:
    """Gives py7zr no input while its first decompressor has output left, so that input does not pile up there."""

    def __init__(self, file: BinaryIO, first: Any) -> None:
        self._file = file
        self._first = getattr(first, "_decompressor", first)

    def read(self, length: int) -> bytes:
        return self._file.read(length) if getattr(self._first, "needs_input", True) else b""


def unpacked(file: BinaryIO, source: FolderDecompressor, size: int) -> Iterator[bytes]:
    """The next `size` bytes, in pieces of at most PIECE bytes; raises MalformedArchive where there are fewer."""
    gate, empty = _Gate(file, source.chain[0]), 0
    while size:
        before = source.consumed
        with py7zr_errors():
            piece = bytes(source.decompress(gate, min(size, PIECE)))
        empty = 0 if piece or source.consumed != before else empty + 1
        if empty == _EMPTY_READS:
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
