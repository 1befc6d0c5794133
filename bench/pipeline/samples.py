"""The files that the benches store: valid ones of about 10 KiB, and one large one."""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator

import pikepdf
from PIL import Image

SIZE = 10 * 1024
LARGE_PART = 32 * 1024**2


def small(count: int, seed: int = 1) -> Iterator[tuple[str, str, bytes]]:
    """(file name, content type, bytes): PNG, JPEG, PDF and ZIP in turn, and every eighth a CSV.

    The first four types are settled by their signatures; a CSV has none and needs the model.
    """
    source = random.Random(seed)
    makers = (_png, _jpeg, _pdf, _zip, _png, _jpeg, _pdf, _csv)
    for number in range(count):
        name, kind, content = makers[number % len(makers)](source)
        yield f"{number}-{name}", kind, content


def large(size: int) -> Iterator[bytes]:
    """The parts of a gzip file of `size` bytes: its header, then bytes that do not compress."""
    block = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + random.Random(2).randbytes(LARGE_PART - 10)
    for start in range(0, size, LARGE_PART):
        yield block[: min(LARGE_PART, size - start)]


def _png(source: random.Random) -> tuple[str, str, bytes]:
    rows = b"".join(b"\0" + source.randbytes(58 * 3) for _ in range(58))
    parts = [(b"IHDR", struct.pack(">IIBBBBB", 58, 58, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    chunks = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts]
    return "picture.png", "image/png", b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _jpeg(source: random.Random) -> tuple[str, str, bytes]:
    held = io.BytesIO()
    Image.frombytes("RGB", (104, 104), source.randbytes(104 * 104 * 3)).save(held, "JPEG", quality=90)
    return "photo.jpg", "image/jpeg", held.getvalue()


def _pdf(source: random.Random) -> tuple[str, str, bytes]:
    with pikepdf.new() as document:
        page = document.add_blank_page()
        page.Contents = document.make_stream(b"% " + source.randbytes(9000).hex().encode()[:9000])
        held = io.BytesIO()
        document.save(held, compress_streams=False)
    return "letter.pdf", "application/pdf", held.getvalue()


def _zip(source: random.Random) -> tuple[str, str, bytes]:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("data.txt", source.randbytes(SIZE).hex()[: SIZE - 130])
    return "files.zip", "application/zip", held.getvalue()


def _csv(source: random.Random) -> tuple[str, str, bytes]:
    rows = "\n".join(f"{source.randrange(10**6)},name {source.randrange(99)},{source.random():.4f}" for _ in range(420))
    return "table.csv", "text/csv", f"id,name,value\n{rows}\n".encode()[:SIZE]
