"""The trailer that phones append to a JPEG: further images, the video of a motion photo, Samsung's records.

https://developer.android.com/media/platform/motion-photo-format; Samsung's is described by ExifTool's Samsung.pm.
"""

import struct
from typing import BinaryIO

from workers.inspection.parsers.images.structure import skip_padding

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_RECORD = struct.Struct("<HHII")  # unused, type, distance from its start to the directory, length
_MOST_RECORDS = 1000


class AnnouncedTrailer:
    """What the segments of an image announce after it."""

    def __init__(self) -> None:
        self.images = False
        self.video = False

    def note(self, segment: bytes) -> None:
        """Read the body of an APP1 or APP2 segment."""
        if segment.startswith(b"MPF\0"):
            self.images = True
        elif segment.startswith(_XMP):
            self.images |= b"Container:Directory" in segment
            self.video |= b"MotionPhoto" in segment or b"MicroVideo" in segment


def end_of_trailer(file: BinaryIO, start: int, size: int, announced: AnnouncedTrailer) -> int:
    """The end of a known trailer that begins at `start`, which is the end of the file; `start` where there is none."""
    if start < size and ((announced.video and _is_video(file, start, size)) or _is_samsung(file, start, size)):
        return size
    return start


def _is_video(file: BinaryIO, start: int, size: int) -> bool:
    """Whether the file from `start` to its end is a sequence of boxes (ISO 14496-12)."""
    offset = start
    while offset < size:
        file.seek(offset)
        header = file.read(16)
        if len(header) < 8 or (offset == start and header[4:8] != b"ftyp"):
            return False
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = int.from_bytes(header[8:], "big")
        if length < 8:
            return False
        offset += length
    return offset == size


def _is_samsung(file: BinaryIO, start: int, size: int) -> bool:
    """Whether Samsung's records follow each other from `start` to their directory, which ends the file."""
    file.seek(max(start, size - 8))
    tail = file.read(8)
    directory = size - 8 - int.from_bytes(tail[:4], "little")
    if tail[4:] != b"SEFT" or directory < start:
        return False
    file.seek(directory)
    header = file.read(12)
    count = int.from_bytes(header[8:], "little")
    entries = file.read(min(count, _MOST_RECORDS) * _RECORD.size)
    if not header.startswith(b"SEFH") or directory + 12 + count * _RECORD.size != size - 8:
        return False
    offset = start
    for _, _, before, length in sorted(_RECORD.iter_unpack(entries), key=lambda record: -record[2]):
        if offset != directory - before:
            return False
        offset += length
    return offset == directory or skip_padding(file, offset) == directory
