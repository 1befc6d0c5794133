"""What bench.pipeline sends: objects of 10 KiB that begin as real files do, and one large one."""

import io
import random
import zipfile
from collections.abc import Iterator

SIZE = 10 * 1024
LARGE_PART = 32 * 1024**2


def small(count: int, seed: int = 1) -> Iterator[tuple[str, str, bytes]]:
    """(file name, content type, bytes): PNG, JPEG, PDF and ZIP in turn, and every eighth a CSV.

    The signature settles the first four types; a CSV has none and takes a look of the model.
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
    head = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x80\x00\x00\x00\x80\x08\x02\x00\x00\x00L\\\xf6\x9c"
    tail = b"\x00\x00\x00\x00IEND\xaeB`\x82"
    return "picture.png", "image/png", head + source.randbytes(SIZE - len(head) - len(tail)) + tail


def _jpeg(source: random.Random) -> tuple[str, str, bytes]:
    head, tail = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00", b"\xff\xd9"
    return "photo.jpg", "image/jpeg", head + source.randbytes(SIZE - len(head) - len(tail)) + tail


def _pdf(source: random.Random) -> tuple[str, str, bytes]:
    head, tail = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", b"\nstartxref\n0\n%%EOF\n"
    return "letter.pdf", "application/pdf", head + source.randbytes(SIZE - len(head) - len(tail)) + tail


def _zip(source: random.Random) -> tuple[str, str, bytes]:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("data.bin", source.randbytes(SIZE - 130))
    return "files.zip", "application/zip", held.getvalue()


def _csv(source: random.Random) -> tuple[str, str, bytes]:
    rows = "\n".join(f"{source.randrange(10**6)},name {source.randrange(99)},{source.random():.4f}" for _ in range(420))
    return "table.csv", "text/csv", f"id,name,value\n{rows}\n".encode()[:SIZE]
