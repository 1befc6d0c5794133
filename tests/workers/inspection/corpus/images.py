"""Pictures, made by Pillow and by hand."""

import io
import struct
import zlib

from PIL import Image

SIZE = (24, 16)


def picture(kind: str, *, frames: int = 1, mode: str = "RGB") -> bytes:
    """A small picture of this kind, as Pillow calls it."""
    target = io.BytesIO()
    first, *rest = [_drawn(number).convert(mode) for number in range(frames)]
    more = {"save_all": True, "append_images": rest} if rest else {}
    first.save(target, kind, **more)
    return target.getvalue()


def _drawn(number: int) -> Image.Image:
    image = Image.new("RGB", SIZE)
    image.putdata([(x * 9 % 256, y * 13 % 256, (x * y + number * 20) % 256) for y in range(16) for x in range(24)])
    return image


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def huge_png(side: int) -> bytes:
    """A PNG of `side` (a multiple of 1000) by `side` black pixels of one bit, made without holding them."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    lines = bytes(1000 * (1 + (side + 7) // 8))
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    # After a full flush, the output does not depend on earlier input, so it can be repeated.
    piece = packer.compress(lines) + packer.flush(zlib.Z_FULL_FLUSH)
    times = side // 1000
    # Adler-32 (RFC 1950, 9): of zeros, the first sum stays 1 and the second counts them.
    data = b"\x78\xda" + piece * times + b"\3\0" + struct.pack(">HH", len(lines) * times % 65521, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
