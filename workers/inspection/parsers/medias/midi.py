"""Standard MIDI files (RP-001): a header, and tracks with their sizes. FFmpeg does not read them."""

import struct

from workers.inspection.parsers.medias.medium import MalformedMedium, Medium


def examine(medium: Medium) -> None:
    """Codes: truncated, irregular. Raises MalformedMedium, LimitExceeded."""
    header = medium.at(0, 14)
    if len(header) < 14:
        raise MalformedMedium("The file ends before its content does.", "truncated")
    tracks = struct.unpack(">H", header[10:12])[0]
    medium.streams(tracks)
    at = 8 + int.from_bytes(header[4:8], "big")
    for _ in range(tracks):
        chunk = medium.at(at, 8)
        if chunk and chunk[:4] != b"MTrk"[: len(chunk)]:
            raise MalformedMedium("A part of the MIDI file is no track.")
        at += 8 + int.from_bytes(chunk[4:8], "big")
        if len(chunk) < 8 or at > medium.size:
            medium.truncated()
            return
    medium.remains(at)
