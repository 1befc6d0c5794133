"""The media type of bytes that begin with a known signature. Pure.

Sources: the formats' specifications, collected in https://www.garykessler.net/library/file_sigs.html and WHATWG's
https://mimesniff.spec.whatwg.org.
"""

import re
from collections.abc import Callable

from workers.inspection.identification.sample import Sample

_PREFIXES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"II+\0\x08\0\0\0", "image/tiff"),  # BigTIFF
    (b"MM\0+\0\x08\0\0", "image/tiff"),
    (b"8BPS\0", "image/vnd.adobe.photoshop"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    (b"\xff\x0a", "image/jxl"),
    (b"\0\0\1\0", "image/vnd.microsoft.icon"),
    (b"\0\0\2\0", "image/vnd.microsoft.icon"),
    (b"\xd7\xcd\xc6\x9a", "image/wmf"),
    (b"\x1f\x8b", "application/gzip"),
    (b"\x1f\x9d", "application/x-compress"),
    (b"\xfd7zXZ\0", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"MSCF\0\0\0\0", "application/vnd.ms-cab-compressed"),
    (b"xar!", "application/x-xar"),
    (b"LZIP", "application/x-lzip"),
    (b"!<arch>\n", "application/x-archive"),
    (b"070701", "application/x-cpio"),
    (b"070702", "application/x-cpio"),
    (b"070707", "application/x-cpio"),
    (b"\xc7\x71", "application/x-cpio"),
    (b"fLaC", "audio/flac"),
    (b"#!AMR", "audio/amr"),
    (b"MThd\0\0\0\6", "audio/midi"),
    (b"FLV\1", "video/x-flv"),
    (b"\0\0\1\xba", "video/mpeg"),
    (b"\0\0\1\xb3", "video/mpeg"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-wmv"),
    (b"\x7fELF", "application/x-executable"),
    (b"\xfe\xed\xfa\xce", "application/x-mach-binary"),
    (b"\xfe\xed\xfa\xcf", "application/x-mach-binary"),
    (b"\xce\xfa\xed\xfe", "application/x-mach-binary"),
    (b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (b"\xca\xfe\xba\xbe", "application/java-vm"),  # or a Mach-O for several processors
    (b"dex\n03", "application/vnd.android.dex"),
    (b"\0asm", "application/wasm"),
    (b"L\0\0\0\1\x14\2\0", "application/x-ms-shortcut"),
    (b"ITSF\3\0\0\0", "application/vnd.ms-htmlhelp"),
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "application/onenote"),
    (b"vhdxfile", "application/x-virtual-disk"),
    (b"conectix", "application/x-virtual-disk"),
    (b"KDMV", "application/x-virtual-disk"),
    (b"QFI\xfb", "application/x-virtual-disk"),
    (b"\xed\xab\xee\xdb", "application/x-rpm"),
    (b"SQLite format 3\0", "application/x-sqlite3"),
    (b"%!PS", "application/postscript"),
    (b"\xc5\xd0\xd3\xc6", "application/postscript"),
    (b"FWS", "application/x-shockwave-flash"),
    (b"CWS", "application/x-shockwave-flash"),
    (b"ZWS", "application/x-shockwave-flash"),
    (b"\0\1\0\0\0", "font/ttf"),
    (b"true\0", "font/ttf"),
    (b"ttcf", "font/ttf"),
    (b"OTTO", "font/otf"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"bplist0", "application/x-bplist"),
    (b"\0\5\x16\7", "application/applefile"),  # what macOS puts beside a file (RFC 1740)
    (b"\0\5\x16\0", "application/applefile"),
    (b"\0\0\0\1Bud1", "application/x-ds-store"),
)
# Text may begin with these, so that they count only where the bytes are no text, or one with NULs behind it.
_MAY_BE_TEXT = frozenset({b"FWS", b"CWS", b"ZWS", b"070701", b"070702", b"070707", b"LZIP", b"xar!", b"ttcf", b"OTTO",
                          b"KDMV", b"fLaC", b"wOFF", b"wOF2", b"conectix", b"vhdxfile"})  # fmt: skip

BZIP2_STREAM = re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)")
"""The beginning of a bzip2 stream: up to a block's magic, or to the end of an empty stream."""
ZSTD_SKIPPED = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
"""The beginning of a frame that readers of Zstandard skip. It may stand before the first one (RFC 8878, 3.1.2)."""
_LHA = re.compile(rb"..-l[hz][0-9ds]-", re.DOTALL)
_BITMAP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_LZMA = re.compile(rb"\x5d\0\0[\0-\x80]\0(\xff{8}|.{5}\0{3})\0", re.DOTALL)


def by_prefix(sample: Sample) -> tuple[str, bool] | None:
    """The media type that the first bytes settle, and whether a text may begin so; None where they settle none."""
    for signature, media_type in _PREFIXES:
        if sample.head.startswith(signature):
            return media_type, signature in _MAY_BE_TEXT or (media_type == "image/gif" and not _is_gif(sample))
    for detect in _DETECTORS:
        if found := detect(sample):
            return found, False
    return None


def _is_gif(sample: Sample) -> bool:
    """Whether a picture, an extension or the end stands where it must, behind the colours (GIF89a, 18 and 19)."""
    flags = int.from_bytes(sample.head[10:11])
    colours = 3 << (flags & 7) + 1 if flags & 0x80 else 0
    return sample.at(13 + colours, 1) in (b",", b"!", b";")


def _bitmap(sample: Sample) -> str | None:
    # "BM" alone begins many texts: the size of the next header has to fit too, and its planes where it has them.
    head = sample.head
    if not head.startswith(b"BM") or int.from_bytes(head[14:18], "little") not in _BITMAP_HEADERS:
        return None
    return "image/bmp"


def _bzip2(sample: Sample) -> str | None:
    return "application/x-bzip2" if BZIP2_STREAM.match(sample.head) else None


def _lha(sample: Sample) -> str | None:
    return "application/x-lha" if _LHA.match(sample.head) else None


def _zstd(sample: Sample) -> str | None:
    return "application/zstd" if ZSTD_SKIPPED.match(sample.head) else None


def _lzma(sample: Sample) -> str | None:
    return "application/x-lzma" if _LZMA.match(sample.head) else None


def _program(sample: Sample) -> str | None:
    # Texts can begin with "MZ": the header that it points to has to be there, or the old program's fields.
    head = sample.head
    if not head.startswith((b"MZ", b"ZM")) or len(head) < 64:
        return None
    at = int.from_bytes(head[60:64], "little")
    if sample.at(at, 2) in (b"PE", b"NE", b"LE", b"LX"):
        return "application/x-dosexec"
    return "application/x-dosexec" if b"\0" in head[:64] else None


def _metafile(sample: Sample) -> str | None:
    return "image/emf" if sample.head.startswith(b"\1\0\0\0") and sample.head[40:44] == b" EMF" else None


def disk_image(sample: Sample) -> str | None:
    """The media type of a disk image, whose marks are not at its beginning; None for anything else."""
    if sample.at(0x8001, 5) == b"CD001" or sample.at(0x8001, 5) in (b"BEA01", b"NSR02", b"NSR03"):
        return "application/x-iso9660-image"
    if sample.size >= 512 and sample.at(sample.size - 512, 4) == b"koly":
        return "application/x-apple-diskimage"
    if sample.size >= 512 and sample.at(sample.size - 512, 8) == b"conectix":
        return "application/x-virtual-disk"
    return None


_DETECTORS: tuple[Callable[[Sample], str | None], ...] = (
    _bitmap,
    _bzip2,
    _zstd,
    _lha,
    _lzma,
    _program,
    _metafile,
    disk_image,
)
