"""PNG and APNG (https://www.w3.org/TR/png-3/): chunks with checksums, the last of which is IEND.

The pixels are unpacked piece by piece, and every row is counted. That is stricter than Pillow, for which rows that are
missing at the end of a stream are black, and takes the same memory for pictures of any size. A wrong checksum of a
chunk that decoders may pass over is a note, as they do pass over it.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from workers.inspection.parsers.images.structure import (
    PIECE,
    MalformedImage,
    Picture,
    read_exactly,
    read_struct,
    truncated,
)
from workers.inspection.parsers.port import LimitExceeded

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LONGEST = 2**31 - 1
_FILTERS = bytes(range(5))
# Bits of a pixel by type of colour, as many as there are samples; the depths that each may have (11.2.2).
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
# The seven passes of Adam7: the first column and row, and the steps between them (8.2).
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
# Texts and colour profiles are compressed: what one of them, and all together, may unpack to.
_TEXT_BYTES = 8 * 1024 * 1024
_ALL_TEXT_BYTES = 64 * 1024 * 1024


class _Header(NamedTuple):
    width: int
    height: int
    depth: int
    colours: int
    compression: int
    filters: int
    interlaced: int

    def rows(self, width: int, height: int) -> Iterator[tuple[int, int]]:
        """How many rows of which length in bytes a frame has, pass by pass; each row begins with its filter."""
        bits = self.depth * _SAMPLES[self.colours]
        for left, top, across, down in _PASSES if self.interlaced else ((0, 0, 1, 1),):
            columns, lines = -(-(width - left) // across), -(-(height - top) // down)
            if columns > 0 and lines > 0:
                yield lines, 1 + (columns * bits + 7) // 8


class _Pixels:
    """Unpacks the pixels of one frame, which come in several chunks, and tests that all rows are there."""

    def __init__(self, header: _Header, width: int, height: int) -> None:
        self._passes = list(header.rows(width, height))
        # Without the checksum of all pixels, which decoders do not test: every chunk has one of its own.
        self._unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        self._header = 2  # bytes of it that are still to come (RFC 1950)
        self._at = 0  # within the current pass

    def feed(self, packed: bytes) -> None:
        """Take the next piece of the stream. Raises MalformedImage."""
        skipped = min(self._header, len(packed))
        self._header -= skipped
        packed = packed[skipped:]
        while packed and self._passes and not self._unpacker.eof:
            try:
                self._take(self._unpacker.decompress(packed, PIECE))
            except zlib.error:
                raise MalformedImage("The pixels of the PNG cannot be unpacked.") from None
            packed = self._unpacker.unconsumed_tail

    def _take(self, data: bytes) -> None:
        while data and self._passes:
            lines, length = self._passes[0]
            piece = data[: lines * length - self._at]
            if piece[-self._at % length :: length].strip(_FILTERS):
                raise MalformedImage("A row of the PNG has an unknown filter.")
            self._at += len(piece)
            data = data[len(piece) :]
            if self._at == lines * length:
                del self._passes[0]
                self._at = 0

    def end(self) -> None:
        """Raises MalformedImage where rows are missing."""
        self._take(self._unpacker.flush())
        if self._passes:
            raise truncated()


def examine(picture: Picture) -> None:
    """Unpack every frame. Raises MalformedImage, LimitExceeded."""
    _Reader(picture).read()


class _Reader:
    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._file = picture.file
        self._pixels: _Pixels | None = None
        self._texts = 0

    def read(self) -> None:
        self._file.seek(len(SIGNATURE))
        length, kind = self._start()
        if kind != b"IHDR" or length != 13:
            raise MalformedImage("The first chunk of the PNG is not a header.")
        self._header = _header(self._body(length, kind))
        self._picture.area(self._header.width, self._header.height)
        self._chunks()
        if self._pixels is None:
            raise MalformedImage("There is no image in the PNG.")
        self._pixels.end()

    def _chunks(self) -> None:
        """Read all chunks. A file that ends behind its pixels is whole for decoders."""
        try:
            while True:
                length, kind = self._start()
                if kind == b"IEND":
                    self._body(length, kind)
                    break
                self._chunk(length, kind)
        except MalformedImage as error:
            if error.code != "truncated" or self._pixels is None:
                raise
            self._pixels.end()
            self._picture.note("The PNG has no end.")
        else:
            self._picture.remains(self._file.tell())

    def _chunk(self, length: int, kind: bytes) -> None:
        if kind == b"IDAT":
            self._pixels = self._pixels or self._frame(self._header.width, self._header.height)
            self._unpack(length, kind)
        elif kind == b"fdAT" and self._pixels is not None:
            self._unpack(length, kind)
        elif kind == b"fcTL":
            self._control(self._body(length, kind))
        elif kind in (b"zTXt", b"iTXt", b"iCCP"):
            self._text(self._body(length, kind, _TEXT_BYTES))
        else:
            self._body(length, kind)

    def _frame(self, width: int, height: int) -> _Pixels:
        self._picture.frame(width, height)
        return _Pixels(self._header, width, height)

    def _control(self, body: bytes) -> None:
        """The control of a frame: that of the first image stands before its pixels, and then is not a new frame."""
        if len(body) < 12 or self._pixels is None:
            return
        self._pixels.end()
        width, height = struct.unpack(">II", body[4:12])
        self._pixels = self._frame(width, height)

    def _unpack(self, length: int, kind: bytes) -> None:
        checksum = zlib.crc32(kind)
        if kind == b"fdAT" and length >= 4:
            checksum, length = zlib.crc32(read_exactly(self._file, 4), checksum), length - 4
        while length:
            piece = self._file.read(min(length, PIECE))
            if not piece:
                raise truncated()
            checksum, length = zlib.crc32(piece, checksum), length - len(piece)
            if self._pixels is not None:
                self._pixels.feed(piece)
        self._test(checksum, kind)

    def _text(self, body: bytes) -> None:
        """Unpack what is compressed in a text or a profile: other programs do."""
        at = body.find(b"\x78")
        if at < 0:
            return
        try:
            unpacked = len(zlib.decompressobj().decompress(body[at:], _TEXT_BYTES + 1))
        except zlib.error:
            return
        self._texts += unpacked
        if unpacked > _TEXT_BYTES or self._texts > _ALL_TEXT_BYTES:
            raise LimitExceeded("The texts in the image unpack to more than the limit.")

    def _start(self) -> tuple[int, bytes]:
        length = read_struct(self._file, ">I")[0]
        kind = read_exactly(self._file, 4)
        if length > _LONGEST or not kind.isalpha():
            raise MalformedImage("A chunk of the PNG has an invalid type or length.")
        return length, kind

    def _body(self, length: int, kind: bytes, most: int = PIECE) -> bytes:
        """The first bytes of a chunk, at most `most`, after its checksum was tested."""
        first = piece = read_exactly(self._file, min(length, most))
        checksum = zlib.crc32(piece, zlib.crc32(kind))
        left = length - len(piece)
        while left:
            piece = read_exactly(self._file, min(left, PIECE))
            checksum = zlib.crc32(piece, checksum)
            left -= len(piece)
        self._test(checksum, kind)
        return first

    def _test(self, checksum: int, kind: bytes) -> None:
        if read_struct(self._file, ">I")[0] == checksum:
            return
        message = f"The checksum of a PNG chunk ({kind.decode('ascii')}) is wrong."
        # A chunk whose name begins with a small letter is one that decoders may pass over (5.4).
        if not kind[0] & 0x20 and kind != b"IEND":
            raise MalformedImage(message)
        self._picture.note(message)


def _header(body: bytes) -> _Header:
    header = _Header(*struct.unpack(">IIBBBBB", body))
    if header.depth not in _DEPTHS.get(header.colours, ()) or header.interlaced > 1:
        raise MalformedImage("The header of the PNG has an unknown type of colours.")
    return header
