"""Sound, video and pictures in containers: which type the first bytes name. Pure.

Sources: ISO/IEC 14496-12 (ftyp and its brands, registered at https://mp4ra.org/registered-types/brands), RFC 9559
(Matroska), RFC 3533 (Ogg), the RIFF specification, ISO 11172-3 (MPEG audio), ISO 13818-7 (ADTS), ISO 13818-1.
"""

import re

from workers.inspection.identification.sample import Sample

_BRANDS = {
    b"heic": "image/heic", b"heix": "image/heic", b"heim": "image/heic", b"heis": "image/heic", b"hevc": "image/heic",
    b"hevx": "image/heic", b"hevm": "image/heic", b"hevs": "image/heic", b"avif": "image/avif", b"avis": "image/avif",
    b"mif1": "image/heif", b"msf1": "image/heif", b"mif2": "image/heif", b"miaf": "image/heif",
    b"qt  ": "video/quicktime", b"M4A ": "audio/mp4", b"M4B ": "audio/mp4", b"M4P ": "audio/mp4", b"F4A ": "audio/mp4",
}  # fmt: skip
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
# Boxes with which a QuickTime file without `ftyp` begins ("QuickTime File Format", Apple).
_QUICKTIME = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_DOCTYPE = re.compile(rb"\x42\x82.{0,7}?(webm|matroska)", re.DOTALL)
# Theora, VP8 and Dirac, by the first packets of their streams.
_OGG_VIDEO = re.compile(rb"\x80theora|OVP80|BBCD\0")
_TRANSPORT_PACKETS = (188, 192, 204)


def in_container(sample: Sample) -> str | None:
    """The media type of a media container, or None."""
    head = sample.head
    if head[4:8] == b"ftyp":
        return _brand(head)
    if head[4:8] in _QUICKTIME and int.from_bytes(head[:4]) in range(8, sample.size + 1):
        return "video/quicktime"
    if head.startswith((b"RIFF", b"RIFX", b"RF64")):
        return _RIFF.get(head[8:12])
    if head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return "audio/aiff"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        found = _DOCTYPE.search(head, 0, 128)
        return "video/webm" if found and found[1] == b"webm" else "video/matroska"
    if head.startswith(b"OggS"):
        return "video/ogg" if _OGG_VIDEO.search(head, 0, 512) else "audio/ogg"
    return _mpeg(sample)


def _brand(head: bytes) -> str:
    length = min(int.from_bytes(head[:4]), 512)
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, length, 4))]
    if brands[0] in _BRANDS and brands[0] not in (b"mif1", b"msf1", b"mif2"):
        return _BRANDS[brands[0]]
    if brands[0].startswith(b"3g"):
        return "video/3gpp2" if brands[0].startswith(b"3g2") else "video/3gpp"
    pictures = [_BRANDS[each] for each in brands if each in _BRANDS and _BRANDS[each].startswith("image/")]
    if brands[0] in (b"mif1", b"msf1", b"mif2"):
        return "image/avif" if "image/avif" in pictures else "image/heif"
    return "video/mp4"


def _mpeg(sample: Sample) -> str | None:
    head = sample.head
    if head.startswith(b"ID3") and len(head) > 10 and head[3] in (2, 3, 4) and head[4] != 0xFF:
        return _behind_tag(sample)
    if head[:1] == b"\xff":
        return _frames(head)
    for length in _TRANSPORT_PACKETS:
        start = 4 if length == 192 else 0
        if len(head) > 4 * length and all(head[start + each * length] == 0x47 for each in range(4)):
            return "video/mp2t"
    return None


def _behind_tag(sample: Sample) -> str:
    """What follows the ID3 tag: FLAC and ADTS can have one too."""
    size = 0
    for byte in sample.head[6:10]:
        size = size << 7 | byte & 0x7F
    behind = sample.at(10 + size, 4096).lstrip(b"\0")
    if behind.startswith(b"fLaC"):
        return "audio/flac"
    return _frames(behind) or "audio/mpeg"


def _frames(head: bytes) -> str | None:
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:
        length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        return "audio/aac" if length >= 7 and (head[length : length + 1] in (b"\xff", b"")) else None
    length = _frame_length(head)
    return "audio/mpeg" if length and _frame_length(head[length:] or head) else None


# Kilobits a second by version and layer, and samples a second (ISO 11172-3, 2.4.2.3; ISO 13818-3).
_RATES = {
    (3, 3): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (3, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (3, 1): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 3): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_FREQUENCIES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def _frame_length(head: bytes) -> int:
    """The length of the MPEG audio frame that begins here, in bytes; 0 where none begins."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer, rate, frequency = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or not layer or rate in (0, 15) or frequency == 3:
        return 0
    kilobits = _RATES[3 if version == 3 else 2, layer if version == 3 or layer == 3 else 2][rate - 1]
    hertz, padding = _FREQUENCIES[version][frequency], head[2] >> 1 & 1
    if layer == 3:
        return (12_000 * kilobits // hertz + padding) * 4
    samples = 72_000 if layer == 1 and version != 3 else 144_000
    return samples * kilobits // hertz + padding
