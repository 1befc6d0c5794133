"""Decompressors that give at most PIECE bytes at a time, whatever the input, and use at most MEMORY bytes."""

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

from workers.inspection.parsers.archives.errors import MalformedArchive
from workers.inspection.parsers.port import LimitExceeded

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PIECE = 256 << 10
MEMORY = 256 << 20
ZSTD_WINDOW_LOG = 27  # 128 MiB, the default limit of `zstd -d`
# How lzma and libzstd say that a memory limit is reached; neither has an exception of its own for it.
_MEMORY_LIMIT = ("Memory usage limit exceeded", "requires too much memory")
# Deflate64 gives all output of its input: up to 65,538 bytes for 18 bits.
_DEFLATE64_PIECE = 256


class Decompressor(Protocol):
    """The interface that the decompressors of bz2, lzma and zstd share."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class Inflate:
    """zlib's decompressor with that interface; `wbits` is zlib's."""

    def __init__(self, wbits: int) -> None:
        self._zlib = zlib.decompressobj(wbits)
        self._full = False

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not (self.eof or self._full or self._zlib.unconsumed_tail)

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        piece = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self._full = len(piece) == max_length
        return piece


class Inflate64:
    """Deflate64, with that interface. The library does not bound its output, so it gets little input at a time."""

    unused_data = b""

    def __init__(self) -> None:
        from inflate64 import Inflater

        self._inflater = Inflater()
        self._input = b""
        self._output = bytearray()

    @property
    def eof(self) -> bool:
        return bool(self._inflater.eof) and not self._output

    @property
    def needs_input(self) -> bool:
        return not (self._input or self._output or self._inflater.eof)

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        self._input += data
        while self._input and not self._output and not self._inflater.eof:
            now, self._input = self._input[:_DEFLATE64_PIECE], self._input[_DEFLATE64_PIECE:]
            self._output += self._inflater.inflate(now)
        piece = bytes(self._output[:max_length])
        del self._output[:max_length]
        return piece


class Uncompressed:
    """No compression."""

    eof = False
    needs_input = True
    unused_data = b""

    def decompress(self, data: bytes, _max_length: int, /) -> bytes:
        return data


def bzip2() -> Decompressor:
    """One stream."""
    return bz2.BZ2Decompressor()


def deflate() -> Decompressor:
    """One stream without a header (RFC 1951)."""
    return Inflate(-zlib.MAX_WBITS)


def gzip() -> Decompressor:
    """One member of a gzip file, with its checksum (RFC 1952)."""
    return Inflate(16 + zlib.MAX_WBITS)


def xz() -> Decompressor:
    """One stream."""
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY)


def lzma_alone() -> Decompressor:
    """One stream of the old LZMA format, whose header has the properties and the size."""
    return lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=MEMORY)


def zstandard() -> Decompressor:
    """One frame, which may be a skippable one (RFC 8878)."""
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG})


def lzma1(properties: bytes) -> Decompressor:
    """LZMA without a header; `properties` are its 5 bytes. Raises MalformedArchive, and LimitExceeded above MEMORY."""
    if len(properties) != 5 or properties[0] >= 9 * 5 * 5:
        raise MalformedArchive("the properties of its LZMA data are not valid")
    rest, lc = divmod(properties[0], 9)
    pb, lp = divmod(rest, 5)
    size = int.from_bytes(properties[1:], "little")
    check_memory(size)
    if lc + lp > 4:  # liblzma's limit
        raise MalformedArchive("the properties of its LZMA data are not valid")
    filters = [{"id": lzma.FILTER_LZMA1, "lc": lc, "lp": lp, "pb": pb, "dict_size": max(size, 4096)}]
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)


def check_memory(memory: int) -> None:
    """Raise LimitExceeded where a decompressor would need more than MEMORY bytes."""
    if memory > MEMORY:
        raise _too_much_memory()


def _too_much_memory() -> LimitExceeded:
    return LimitExceeded(f"Unpacking the archive needs more than {MEMORY:,} bytes of memory.")


def decompressed(decompressor: Decompressor, read: Callable[[], bytes]) -> Iterator[bytes]:
    """The decompressed bytes in pieces, until the end of the stream or of the input from `read`.

    Raises MalformedArchive and LimitExceeded.
    """
    while not decompressor.eof:
        needy = decompressor.needs_input
        data = read() if needy else b""
        if needy and not data:
            return
        if piece := _decompress(decompressor, data):
            yield piece
        elif not needy and _is_stuck(decompressor):
            raise MalformedArchive("its compressed data produce nothing")


def _is_stuck(decompressor: Decompressor) -> bool:
    return not (decompressor.eof or decompressor.needs_input)


def _decompress(decompressor: Decompressor, data: bytes) -> bytes:
    try:
        return decompressor.decompress(data, PIECE)
    except (zlib.error, lzma.LZMAError, zstd.ZstdError, OSError, EOFError, ValueError) as error:
        if any(sentence in str(error) for sentence in _MEMORY_LIMIT):
            raise _too_much_memory() from error
        raise MalformedArchive("its compressed data are not valid") from error
