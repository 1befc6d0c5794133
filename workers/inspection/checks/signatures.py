"""The media type of bytes that begin with a known signature. Pure.

Sources: the formats' specifications, collected in https://www.garykessler.net/library/file_sigs.html and WHATWG's
https://mimesniff.spec.whatwg.org; the zip-based ones in ECMA-376 part 2 and OpenDocument 1.3 part 2.
"""

import re
import struct
from collections.abc import Callable
from typing import NamedTuple

from airlock.media_types import EXTENSIONS, ZIP

OLE = "application/x-ole-storage"
# An encrypted Office Open XML document: no zip, but a stream of an OLE container ([MS-OFFCRYPTO]).
ENCRYPTED = "application/x-tika-ooxml-protected"

_PREFIXES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"II+\0\x08\0\0\0", "image/tiff"),  # BigTIFF
    (b"MM\0+\0\x08\0\0", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"{\\rtf1", "application/rtf"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"\xfd7zXZ\0", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
)
_FIRST = frozenset(signature[:1] for signature, _ in _PREFIXES)
# A block's magic, or the end of an empty stream.
_BZIP2 = re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)")
_BITMAP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})

_OOXML = tuple((folder, EXTENSIONS[name]) for folder, name in ((b"word/", "docx"), (b"xl/", "xlsx"), (b"ppt/", "pptx")))
_MACRO = {
    EXTENSIONS["docx"]: "application/vnd.ms-word.document.macroenabled.12",
    EXTENSIONS["xlsx"]: "application/vnd.ms-excel.sheet.macroenabled.12",
    EXTENSIONS["pptx"]: "application/vnd.ms-powerpoint.presentation.macroenabled.12",
}
_MIMETYPE = re.compile(rb"[a-z]+/[a-zA-Z0-9.+-]+")
# The streams that distinguish the formats kept in an OLE container ([MS-DOC], [MS-XLS], [MS-PPT]).
_STREAMS = (
    *(
        (name.encode("utf-16-le"), EXTENSIONS[extension])
        for name, extension in (("WordDocument", "doc"), ("Workbook", "xls"), ("PowerPoint Document", "ppt"))
    ),
    ("EncryptedPackage".encode("utf-16-le"), ENCRYPTED),
)
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Sixteen entries of 128 bytes: common programs write the stream that names the format among the first ones.
OLE_DIRECTORY_BYTES = 2048


class SampledBytes(NamedTuple):
    """What identification reads of an object: the first 4 KiB, the last bytes (those not in `head`), the size.

    `directory` has the first bytes of an OLE container's directory, and is empty for other objects.
    """

    head: bytes
    tail: bytes
    size: int
    directory: bytes = b""

    def name(self, text: bytes) -> bool:
        """Whether `text`, the name of a part, occurs in these bytes."""
        return text in self.head or text in self.tail or text in self.directory


def ole_directory(head: bytes) -> int | None:
    """The offset of the directory, in bytes, if `head` begins an OLE container ([MS-CFB], section 2.2)."""
    if not head.startswith(_OLE_MAGIC) or len(head) < 52:
        return None
    shift, sector = int.from_bytes(head[30:32], "little"), int.from_bytes(head[48:52], "little")
    return (sector + 1) << shift if shift in (9, 12) else None


def identify(sampled: SampledBytes) -> str | None:
    """The media type that a signature settles, or None.

    A zip that names no format inside is `ZIP`; an OLE container whose directory was not read is `OLE`.
    """
    if sampled.head[:1] in _FIRST:
        for signature, media_type in _PREFIXES:
            if sampled.head.startswith(signature):
                return media_type
    for detect in _DETECTORS:
        if found := detect(sampled):
            return found
    return None


def _zip(sampled: SampledBytes) -> str | None:
    if not sampled.head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return None
    return _open_document(sampled.head) or _office(sampled) or _java(sampled) or ZIP


def _open_document(head: bytes) -> str | None:
    """The content of the first entry, if it is stored and named `mimetype`."""
    if len(head) < 38 or head[30:38] != b"mimetype" or head[8:10] != b"\0\0":
        return None
    length, extra = struct.unpack_from("<I", head, 22)[0], struct.unpack_from("<H", head, 28)[0]
    found = _MIMETYPE.fullmatch(head, 38 + extra, 38 + extra + length)
    return found[0].decode("ascii").lower() if found else None


def _office(sampled: SampledBytes) -> str | None:
    if not sampled.name(b"[Content_Types].xml"):
        return None
    for folder, media_type in _OOXML:
        if sampled.name(folder):
            return _MACRO[media_type] if sampled.name(b"vbaProject.bin") else media_type
    return None


def _java(sampled: SampledBytes) -> str | None:
    if sampled.name(b"AndroidManifest.xml"):
        return "application/vnd.android.package-archive"
    return "application/java-archive" if sampled.name(b"META-INF/MANIFEST.MF") else None


def _ole(sampled: SampledBytes) -> str | None:
    if not sampled.head.startswith(_OLE_MAGIC):
        return None
    return next((media_type for stream, media_type in _STREAMS if sampled.name(stream)), OLE)


def _riff(sampled: SampledBytes) -> str | None:
    if not sampled.head.startswith(b"RIFF"):
        return None
    return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(sampled.head[8:12])


def _bitmap(sampled: SampledBytes) -> str | None:
    # "BM" alone begins many texts: the two reserved fields and the size of the next header have to fit too.
    if not sampled.head.startswith(b"BM") or len(sampled.head) < 18 or sampled.head[6:10] != bytes(4):
        return None
    return "image/bmp" if int.from_bytes(sampled.head[14:18], "little") in _BITMAP_HEADERS else None


def _bzip2(sampled: SampledBytes) -> str | None:
    return "application/x-bzip2" if _BZIP2.match(sampled.head) else None


def _tar(sampled: SampledBytes) -> str | None:
    # POSIX and GNU tar; its size is a multiple of 512-byte blocks.
    return "application/x-tar" if sampled.head[257:262] == b"ustar" and sampled.size % 512 == 0 else None


_DETECTORS: tuple[Callable[[SampledBytes], str | None], ...] = (_zip, _ole, _riff, _bitmap, _bzip2, _tar)
