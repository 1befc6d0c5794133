"""A HEIC, put together by hand from one picture that PyAV encodes (ISO/IEC 23008-12): no library at hand writes one."""

import io
import struct
from fractions import Fraction
from functools import cache

import av
import numpy as np


def box(kind: bytes, *content: bytes) -> bytes:
    """One box."""
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + kind + body


def full(kind: bytes, *content: bytes, version: int = 0, flags: int = 0) -> bytes:
    """A box with a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


@cache
def encoded(width: int, height: int) -> tuple[bytes, bytes]:
    """The `hvcC` box and the picture, as they stand in an MP4."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream(
            "libx265", rate=1, options={"x265-params": "log-level=none:pools=none:bframes=0:frame-threads=1"}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        pixels = np.arange(width * height * 3, dtype=np.uint32).reshape(height, width, 3) % 251
        frame = av.VideoFrame.from_ndarray(pixels.astype(np.uint8), format="rgb24")
        frame.pts, frame.time_base = 0, Fraction(1)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    content = file.getvalue()
    at = content.index(b"hvcC") - 4
    file.seek(0)
    with av.open(file, "r") as container:
        packet = next(each for each in container.demux(video=0) if each.size)
        return content[at : at + int.from_bytes(content[at : at + 4])], bytes(packet)


def heic(width: int = 64, height: int = 64, *, extra: bytes = b"", brand: bytes = b"heic") -> bytes:
    """A HEIC of one picture; `extra` are more boxes at its end."""
    settings, picture = encoded(width, height)
    ftyp = box(b"ftyp", brand + b"\0\0\0\0mif1heic")

    def meta(offset: int) -> bytes:
        return full(
            b"meta",
            full(b"hdlr", bytes(4) + b"pict" + bytes(13)),
            box(b"dinf", full(b"dref", struct.pack(">I", 1), full(b"url ", flags=1))),
            full(b"pitm", struct.pack(">H", 1)),
            full(b"iinf", struct.pack(">H", 1), full(b"infe", struct.pack(">HH4s", 1, 0, b"hvc1") + b"\0", version=2)),
            box(
                b"iprp",
                box(b"ipco", settings, full(b"ispe", struct.pack(">II", width, height))),
                full(b"ipma", struct.pack(">IHBBB", 1, 1, 2, 0x81, 0x02)),
            ),
            full(b"iloc", struct.pack(">BBHHHHII", 0x44, 0, 1, 1, 0, 1, offset, len(picture))),
        )

    start = len(ftyp) + len(meta(0)) + 8
    return ftyp + meta(start) + box(b"mdat", picture) + extra
