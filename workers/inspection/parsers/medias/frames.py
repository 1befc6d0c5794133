"""Formats that are frames one after the other: MPEG audio, ADTS, AMR, MPEG-TS and FLV. None has a size of the whole.

So a cut shows only where it is within a frame (ADTS, AMR, MPEG-TS, FLV), or where an MP3 has the header that encoders
write for its length (Xing, Info). FFmpeg passes over both. An MPEG program stream shows nothing.
Sources: ISO/IEC 13818-1 and 13818-7; RFC 4867, section 5; Adobe's "Flash Video File Format", annex E;
http://gabriel.mp3-tech.org/mp3infotag.html.
"""

import struct

from workers.inspection.parsers.medias.medium import Medium

_TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"3DI")
# Bytes of a frame with its header by its type, for narrow and for wide band; 0 for a type that is not used.
_NARROW = (13, 14, 16, 18, 20, 21, 27, 32, 6, 0, 0, 0, 0, 0, 0, 1)
_WIDE = (18, 24, 33, 37, 41, 47, 51, 59, 61, 6, 0, 0, 0, 0, 1, 1)
_WIDE_SIGNATURE = b"#!AMR-WB\n"
_PIECE = 1024 * 1024
# Editors that remove a tag or the silence at the end leave the header as it was.
_TOLERATED = 0.02


def examine_adts(medium: Medium) -> None:
    """Codes: truncated, irregular."""
    at = _behind_tag(medium)
    while at < medium.size:
        header = medium.at(at, 7)
        if len(header) == 7 and header[0] == 0xFF and header[1] & 0xF6 == 0xF0:
            length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
            at += max(length, 7)
        else:
            _ended(medium, at, cut=len(header) < 7)
            return
    if at > medium.size:
        medium.truncated()


def examine_amr(medium: Medium) -> None:
    """Codes: truncated, irregular."""
    wide = medium.at(0, 9) == _WIDE_SIGNATURE
    at, sizes = (9, _WIDE) if wide else (6, _NARROW)
    buffer, base = medium.at(at, _PIECE), at
    while at < medium.size:
        if at >= base + len(buffer):
            buffer, base = medium.at(at, _PIECE), at
        length = sizes[buffer[at - base] >> 3 & 15]
        if not length:
            medium.remains(at)
            return
        at += length
    if at > medium.size:
        medium.truncated()


def examine_transport(medium: Medium) -> None:
    """Codes: truncated, irregular."""
    head = medium.at(0, 1024)
    for length, start in ((188, 0), (192, 4), (204, 0)):
        if head[start::length][:4] == b"GGGG" or (len(head) < 4 * length and head[start : start + 1] == b"G"):
            left = medium.size % length
            if left and medium.at(medium.size - left + start, 1) == b"G":
                medium.truncated()
            return


def examine_flv(medium: Medium) -> None:
    """Codes: truncated, irregular."""
    at = int.from_bytes(medium.at(5, 4), "big") + 4
    while at < medium.size:
        header = medium.at(at, 11)
        if not header[:1] or header[0] & 0x1F not in (8, 9, 18):
            medium.remains(at)
            return
        at += 11 + int.from_bytes(header[1:4], "big") + 4
    if at > medium.size + 4:
        medium.truncated()


def examine_mpeg_audio(medium: Medium) -> None:
    """Codes: truncated, irregular."""
    start = _behind_tag(medium)
    head = medium.at(start, 4096)
    at = max(head.find(b"Xing", 0, 512), head.find(b"Info", 0, 512))
    if at < 0 or len(head) < at + 16:
        return
    flags = struct.unpack_from(">I", head, at + 4)[0]
    if flags & 2:
        length = struct.unpack_from(">I", head, at + 8 + 4 * (flags & 1))[0]
        missing = start + length - medium.size
        if missing > max(1024, length * _TOLERATED):
            medium.truncated()
        elif missing > 0:
            medium.note("The MP3 is a little shorter than its header says.")


def _behind_tag(medium: Medium) -> int:
    """Where the frames begin: behind ID3 tags (https://id3.org/id3v2.4.0-structure, 3.1)."""
    start = 0
    while (head := medium.at(start, 10)).startswith(b"ID3") and len(head) == 10:
        size = 0
        for byte in head[6:]:
            size = size << 7 | byte & 0x7F
        start += 10 + size + (10 if head[5] & 0x10 else 0)
    return start


def _ended(medium: Medium, at: int, *, cut: bool) -> None:
    """What stands where a frame should: a tag, the beginning of a frame that is not whole, or other bytes."""
    if medium.at(at, 16).startswith(_TAGS):
        return
    if cut and medium.at(at, 1) == b"\xff":
        medium.truncated()
    else:
        medium.remains(at)
