"""WAV, AVI (RIFF) and AIFF (IFF): chunks, each with its size.

FFmpeg plays a file that ends within a chunk as if it were whole. So the chunks are read here too.
Sources: Microsoft's "Multimedia Programming Interface and Data Specifications 1.0"; EBU Tech 3306 (RF64); AIFF-C.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from workers.inspection.parsers.medias.medium import MalformedMedium, Medium

# Writers to a pipe do not know the sizes.
_UNKNOWN = frozenset({0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0x80000000})
# Some writers count headers too.
_TOLERANCE = 64


class _Chunk(NamedTuple):
    kind: bytes
    body: int
    end: int


def examine_wav(medium: Medium) -> None:
    """Codes: truncated, irregular. Raises MalformedMedium."""
    order = ">" if medium.at(0, 4) == b"RIFX" else "<"
    chunks = list(_chunks(medium, 12, order))
    _test(medium, chunks, b"data")


def examine_aiff(medium: Medium) -> None:
    """Codes: truncated, irregular. Raises MalformedMedium."""
    _test(medium, list(_chunks(medium, 12, ">")), b"SSND")


def examine_avi(medium: Medium) -> None:
    """Codes: truncated, irregular. An AVI above 1 GiB is several RIFF chunks (OpenDML)."""
    for chunk in _chunks(medium, 0, "<"):
        if chunk.kind != b"RIFF":
            medium.remains(chunk.body - 8)
            return
        if chunk.end > medium.size + _TOLERANCE:
            medium.truncated()


def _chunks(medium: Medium, start: int, order: str) -> Iterator[_Chunk]:
    long_sizes: dict[bytes, int] = {}
    for _ in range(100_000):
        header = medium.at(start, 8)
        if len(header) < 8:
            return
        kind, length = header[:4], struct.unpack(order + "I", header[4:])[0]
        if kind == b"ds64":
            long_sizes[b"data"] = struct.unpack("<Q", medium.at(start + 16, 8).ljust(8, b"\0"))[0]
        length = long_sizes.get(kind, length) if length == 0xFFFFFFFF else length
        yield _Chunk(kind, start + 8, start + 8 + length)
        start += 8 + length + length % 2


def _test(medium: Medium, chunks: list[_Chunk], sound: bytes) -> None:
    samples = next((chunk for chunk in chunks if chunk.kind == sound), None)
    if samples is None:
        raise MalformedMedium("There is no sound in the file.", "truncated")
    if samples.end - samples.body in _UNKNOWN and samples.end != medium.size:
        medium.note("The size of the sound is not known.")
    elif samples.end > medium.size + _TOLERANCE:
        medium.truncated()
    elif samples.end > medium.size:
        medium.note("The size of the sound is wrong.")
