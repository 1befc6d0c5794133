"""Small images, good and bad ones, made when they are asked for."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

from tests.workers.inspection.parsers.heif_samples import heic
from workers.inspection.parsers.images.png import SIGNATURE


def picture(number: int = 0, *, mode: str = "RGB", size: tuple[int, int] = (24, 16)) -> Image.Image:
    """An image in which no two neighbouring pixels are equal, so that it cannot be compressed to nothing."""
    pixels = bytes((i * (number + 7) ** 2 + i // 5) & 0xFF for i in range(size[0] * size[1] * 3))
    return Image.frombytes("RGB", size, pixels).convert(mode)


def saved(
    kind: str, *, frames: int = 1, mode: str = "RGB", picture_size: tuple[int, int] = (24, 16), **options: Any
) -> bytes:
    """An image in one of Pillow's formats."""
    body = io.BytesIO()
    if frames > 1:
        rest = [picture(number, mode=mode) for number in range(1, frames)]
        options |= {"save_all": True, "append_images": rest}
    picture(mode=mode, size=picture_size).save(body, kind, **options)
    return body.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks: bytes, width: int = 1, height: int = 1) -> bytes:
    """A grey PNG of these chunks, between a header and the end."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND", b"")


def pixels(count: int = 1) -> bytes:
    """The pixels of a grey PNG of one column."""
    return chunk(b"IDAT", zlib.compress(b"\0\x80" * count))


def interlaced() -> bytes:
    """A grey PNG of 3 × 2 pixels in seven passes, most of which have no pixel of so small a picture."""
    rows = b"\0\x10" + b"\0\x20" + b"\0\x30" + b"\0\x40\x50\x60"
    header = struct.pack(">IIBBBBB", 3, 2, 8, 0, 0, 0, 1)
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def text_bomb(size: int) -> bytes:
    """A PNG with a text that unpacks to `size` bytes."""
    return png(chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(size), 9)), pixels())


def segment(marker: int, body: bytes) -> bytes:
    """One segment of a JPEG."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def jpeg(*segments: bytes, **options: Any) -> bytes:
    """A JPEG with these segments at its beginning."""
    body = saved("JPEG", **options)
    return body[:2] + b"".join(segments) + body[2:]


def xmp(text: str) -> bytes:
    """A segment with this XMP."""
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + text.encode())


def box(kind: bytes, body: bytes = b"") -> bytes:
    """One box of an MP4."""
    return struct.pack(">I", 8 + len(body)) + kind + body


VIDEO = box(b"ftyp", b"isom\0\0\0\0") + box(b"moov", bytes(40)) + box(b"mdat", b"frames")


def samsung(*records: bytes) -> bytes:
    """What Samsung's phones put behind a JPEG."""
    entries, before = b"", sum(map(len, records))
    for record in records:
        entries += struct.pack("<HHII", 0, 0x0A01, before, len(record))
        before -= len(record)
    directory = b"SEFH" + struct.pack("<II", 106, len(records)) + entries
    return b"".join(records) + directory + struct.pack("<I", len(directory)) + b"SEFT"


def bitmap_runs(runs: bytes = b"\x04\x01\0\0\x04\0\0\x01") -> bytes:
    """A BMP of 4 × 2 pixels in runs (RLE8)."""
    colours = bytes(1024)
    header = struct.pack("<IiiHHIIIIII", 40, 4, 2, 1, 8, 1, len(runs), 0, 0, 256, 0)
    start = 14 + len(header) + len(colours)
    return b"BM" + struct.pack("<IHHI", start + len(runs), 0, 0, start) + header + colours + runs


def bitmap_with_profile() -> bytes:
    """A BMP of 1 × 1 pixel with a colour profile behind it, which its header counts from that header on."""
    header = struct.pack("<IiiHHIIIIII", 124, 1, 1, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(72)
    header += struct.pack("<III", 124 + 4, 7, 0)
    return b"BM" + struct.pack("<IHHI", 14 + 124 + 4 + 7, 0, 0, 14 + 124) + header + b"rgb\0" + b"profile"


def media_type(name: str) -> str:
    """The media type of one of GOOD, or of one of Pillow's formats."""
    return f"image/{name.partition(',')[0].lower()}"


def good() -> dict[str, bytes]:
    """Files without a finding, by name."""
    return {
        "png": saved("PNG"),
        "png, palette": saved("PNG", mode="P"),
        "png, 16 bit": saved("PNG", mode="I;16"),
        "png, animated": saved("PNG", frames=3),
        "png, interlaced": interlaced(),
        "png, long text": png(chunk(b"tEXt", b"Comment\0" + b"x" * 200_000), pixels()),
        "png, padded": saved("PNG") + bytes(3),
        "jpeg": saved("JPEG"),
        "jpeg, progressive": saved("JPEG", progressive=True),
        "jpeg, cmyk": saved("JPEG", mode="CMYK"),
        "jpeg, restarts": saved("JPEG", restart_marker_blocks=1),
        "jpeg, newline": saved("JPEG") + b"\r\n",
        "jpeg, thumbnail": jpeg(segment(0xE1, b"Exif\0\0" + saved("JPEG"))),
        "jpeg, several": saved("MPO", frames=3),
        "jpeg, index of lost images": jpeg(segment(0xE2, b"MPF\0" + bytes(20))),
        "jpeg, container": jpeg(xmp("<Container:Directory/>")) + saved("JPEG"),
        "gif": saved("GIF", mode="P"),
        "gif, animated": saved("GIF", mode="P", frames=3, comment=b"three"),
        "webp": saved("WEBP"),
        "webp, lossless": saved("WEBP", lossless=True, mode="RGBA"),
        "webp, animated": saved("WEBP", frames=3),
        "tiff": saved("TIFF"),
        "tiff, lzw": saved("TIFF", compression="tiff_lzw"),
        "tiff, jpeg": saved("TIFF", compression="jpeg"),
        "tiff, big": saved("TIFF", big_tiff=True),
        "tiff, pages": saved("TIFF", frames=3),
        "heic": heic(),
        "heif": heic(brand=b"mif1"),
        "avif": saved("AVIF"),
        "avif, animated": saved("AVIF", frames=3),
        "bmp": saved("BMP"),
        "bmp, palette": saved("BMP", mode="P"),
        "bmp, bits": saved("BMP", mode="1"),
        "bmp, runs": bitmap_runs(),
        "bmp, of OS/2": b"BM" + struct.pack("<IHHIIHHHH", 34, 0, 0, 26, 12, 2, 1, 1, 24) + b"pixels\0\0",
        "bmp, of OS/2, short": b"BM" + struct.pack("<IHHIIiiHH", 38, 0, 0, 30, 16, 2, 1, 1, 24) + b"pixels\0\0",
        "bmp, with a profile": bitmap_with_profile(),
    }


GOOD = good()
