"""Small real files, made on the spot."""

import random
import struct
import zlib

from tests.web.handling import Given

# Kept in two pieces, so that a scanner leaves this file alone: https://www.eicar.org/download-anti-malware-testfile/
EICAR = Given("eicar.txt", "text/plain", rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*")
HTML_AS_PNG = Given(
    "photo.png",
    "image/png",
    b"<!DOCTYPE html>\n<html><head><title>Hello</title></head><body><script>alert(1)</script></body></html>\n",
)


def png(name: str, side: int) -> Given:
    """A square picture of noise, about 3 x side x side bytes long."""
    noise = random.Random(side)
    lines = b"".join(b"\0" + noise.randbytes(3 * side) for _ in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines, 0)) + _chunk(b"IEND", b"")
    return Given(name, "image/png", b"\x89PNG\r\n\x1a\n" + parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
