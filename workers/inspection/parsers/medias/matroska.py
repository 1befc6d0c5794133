"""Matroska and WebM (RFC 8794, RFC 9559): elements, each with its identifier and size.

FFmpeg plays a file that ends within an element as if it were whole, and says nothing of encryption. So the elements of
the segment are read here too. Browsers record without sizes: these end where the next one of their level begins.
"""

from collections.abc import Iterator
from typing import NamedTuple

from workers.inspection.parsers.medias.medium import MalformedMedium, Medium

_EBML, _SEGMENT, _CLUSTER, _TRACKS = 0x1A45DFA3, 0x18538067, 0x1F43B675, 0x1654AE6B
_TRACK, _ENCODINGS, _ENCODING, _ENCRYPTION = 0xAE, 0x6D80, 0x6240, 0x5035
_HEAD, _INFO, _CUES, _CHAPTERS, _TAGS, _ATTACHMENTS, _VOID, _CRC = (
    0x114D9B74, 0x1549A966, 0x1C53BB6B, 0x1043A770, 0x1254C367, 0x1941A469, 0xEC, 0xBF,
)  # fmt: skip
_IN_SEGMENT = frozenset({_CLUSTER, _TRACKS, _HEAD, _INFO, _CUES, _CHAPTERS, _TAGS, _ATTACHMENTS, _VOID, _CRC})
# Simple block, block group, time, position, size of the previous one, silent tracks, encrypted block.
_IN_CLUSTER = frozenset({0xA3, 0xA0, 0xE7, 0xA7, 0xAB, 0x5854, 0xAF, _VOID, _CRC})
_MOST = 20_000_000


class _Element(NamedTuple):
    """`end` is None where the size is not known."""

    identifier: int
    start: int
    body: int
    end: int | None


def examine(medium: Medium) -> None:
    """Codes: truncated, encrypted, irregular. Raises MalformedMedium."""
    at, segments = 0, 0
    while at < medium.size and (element := _element(medium, at)) is not None:
        if element.identifier not in (_EBML, _SEGMENT, _VOID, _CRC):
            medium.remains(at)
            return
        if element.identifier == _SEGMENT:
            segments += 1
            at = _segment(medium, element)
        else:
            at = element.end or medium.size
    if not segments:
        raise MalformedMedium("There is no recording in the file.", "truncated")


def _segment(medium: Medium, segment: _Element) -> int:
    """Read a segment; the offset behind it."""
    end = segment.end if segment.end is not None else medium.size
    if end > medium.size:
        medium.truncated()
    at = segment.body
    for _ in range(_MOST):
        element = _element(medium, at) if at < min(end, medium.size) else None
        if element is None or element.identifier not in _IN_SEGMENT:
            break
        at = _clusters_end(medium, element) if element.end is None else element.end
        if at > medium.size:
            medium.truncated()
        if element.identifier == _TRACKS:
            _tracks(medium, element)
    if segment.end is None:
        return at
    if at < min(end, medium.size):
        medium.note("Data of an unknown kind stand within the recording.")
    return end


def _clusters_end(medium: Medium, cluster: _Element) -> int:
    """Where a cluster without a size ends: before what can be no part of it."""
    at = cluster.body
    for _ in range(_MOST):
        element = _element(medium, at)
        if element is None or element.end is None or element.identifier not in _IN_CLUSTER:
            break
        at = element.end
    return at


def _tracks(medium: Medium, tracks: _Element) -> None:
    for track in _children(medium, tracks, _TRACK):
        for encodings in _children(medium, track, _ENCODINGS):
            for encoding in _children(medium, encodings, _ENCODING):
                if any(_children(medium, encoding, _ENCRYPTION)):
                    medium.report("encrypted", "It is encrypted.")


def _children(medium: Medium, parent: _Element, identifier: int) -> Iterator[_Element]:
    at, end = parent.body, min(parent.end or 0, medium.size)
    while at < end and (element := _element(medium, at)) is not None and element.end is not None:
        if element.identifier == identifier:
            yield element
        at = element.end


def _element(medium: Medium, start: int) -> _Element | None:
    """The element that begins at `start`; None where none can, or where the file ends within its head."""
    head = medium.at(start, 12)
    length = 9 - head[0].bit_length() if head else 9
    if length > 4 or len(head) <= length:
        return None
    identifier = int.from_bytes(head[:length], "big")
    octets = 9 - head[length].bit_length()
    number = head[length : length + octets]
    if octets > 8 or len(number) < octets:
        return None
    size = int.from_bytes(number, "big") & (1 << 7 * octets) - 1
    body = start + length + octets
    return _Element(identifier, start, body, None if size == (1 << 7 * octets) - 1 else body + size)
