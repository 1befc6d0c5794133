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
    while tracks and at < medium.size:
        chunk = medium.at(at, 8)
        if not chunk[:4].isalnum():
            raise MalformedMedium("A part of the MIDI file is no track.")
        # Programs pass over chunks of other kinds, which keyboards write.
        tracks -= chunk[:4] == b"MTrk"
        at += 8 + int.from_bytes(chunk[4:8], "big")
        if len(chunk) < 8 or at > medium.size:
            medium.truncated()
            return
    if tracks:
        medium.truncated()
    medium.remains(at)
