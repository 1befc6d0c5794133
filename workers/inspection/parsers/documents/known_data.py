"""Data that a document shows by itself: pictures, sounds, videos and fonts, by their first bytes. Pure.

They are no members: no program opens them on their own. Whatever else a part is, is handed out and inspected.
"""

import re

_STARTS = (
    b"glTF", b"\0\0\0\1Bud1", b"\xff\xff\xff\xff\0\0\0\0",  # models; what Macs keep of folders; Office's unused parts
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"II\xbc\1",  # pictures
    b"\1\0\x09\0", b"\2\0\x09\0", b"\xd7\xcd\xc6\x9a", b"VCLMTF", b"\xc5\xd0\xd3\xc6", b"8BPS", b"\x0a\5\1\x08",
    b"\0\0\0\x0cjP  ", b"\0\0\1\0", b"\0\0\0\x0cJXL ", b"\x1a\x45\xdf\xa3",
    b"ID3", b"OggS", b"fLaC", b"#!AMR", b"MThd", b"FORM", b".snd", b"FLV\1", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
    b"\0\0\1\xba", b"\0\0\1\xb3", b"\0\1\0\0\0", b"true\0", b"ttcf", b"OTTO", b"wOFF", b"wOF2",
)  # fmt: skip
_PATTERNS = re.compile(
    rb"RIFF.{4}(WEBP|WAVE|AVI |RMID)|.{4}ftyp|.{4}(moov|mdat|free|skip|wide)|\xff[\xe2-\xff][\x10-\xfe]"
    rb"|\x01\0\0\0.{36} EMF",
    re.DOTALL,
)


def is_known_data(head: bytes) -> bool:
    """Whether bytes that begin with `head` (64 bytes or more) are a picture, a sound, a video or a font."""
    return not head or head.startswith(_STARTS) or _PATTERNS.match(head) is not None
