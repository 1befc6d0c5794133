"""TIFFs whose pixels Pillow has no mode for: each part of them is decompressed."""

import io
import struct
import zlib
from collections.abc import Mapping, Sequence

import pytest
from PIL import Image

from tests.workers.inspection.parsers.recorder import codes
from workers.inspection.parsers import image

ROWS = bytes(range(192))
"""4 × 6 pixels of 64 bits."""
FLOATS = {256: [4], 257: [6], 258: [64], 259: [1], 262: [1], 277: [1], 278: [6], 339: [3]}
COLOURS = {**FLOATS, 257: [2], 258: [64] * 3, 262: [2], 277: [3], 278: [2], 284: [2], 339: [3] * 3}
LOG_LUV = {**FLOATS, 259: [34676], 262: [32844]}


def tiff(tags: Mapping[int, Sequence[int]], *parts: bytes, order: str = "<", big: bool = False) -> bytes:
    """A TIFF of one page in strips, or in tiles where it has the width of one."""
    count, field, size = ("Q", "Q", 8) if big else ("H", "I", 4)
    starts, lengths = (324, 325) if 322 in tags else (273, 279)
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    head += struct.pack(order + "HHQ", 8, 0, 16) if big else struct.pack(order + "I", 8)
    tags = {**tags, starts: [0] * len(parts), lengths: [len(part) for part in parts]}
    at = len(head) + struct.calcsize("=" + count) + len(tags) * (4 + 2 * size) + size
    behind = at + sum(8 * len(values) for values in tags.values())
    tags[starts] = [behind + sum(map(len, parts[:number])) for number in range(len(parts))]
    entries, values = b"", b""
    for tag, numbers in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(numbers)}{field}", *numbers)
        entries += struct.pack(f"{order}HH{field}", tag, 16 if big else 4, len(numbers))
        entries += packed if len(packed) <= size else struct.pack(order + field, at + len(values))
        values += packed if len(packed) > size else b""
    body = head + struct.pack(order + count, len(tags)) + entries + bytes(size) + values
    return body.ljust(behind, b"\0") + b"".join(parts)


def lzw(content: bytes) -> bytes:
    """The strip of a grey picture that libtiff has compressed."""
    body = io.BytesIO()
    Image.frombytes("L", (32, len(content) // 32), content).save(body, "TIFF", compression="tiff_lzw")
    with Image.open(body) as made:
        start, length = made.tag_v2[273][0], made.tag_v2[279][0]  # type: ignore[attr-defined]
    return body.getvalue()[start : start + length]


GOOD = {
    "64-bit numbers": tiff(FLOATS, ROWS),
    "in Motorola's order": tiff(FLOATS, ROWS, order=">"),
    "LZW": tiff({**FLOATS, 259: [5], 317: [2]}, lzw(ROWS)),
    "deflate": tiff({**FLOATS, 259: [8]}, zlib.compress(ROWS)),
    "strips": tiff({**FLOATS, 259: [8], 278: [4]}, zlib.compress(ROWS[:128]), zlib.compress(ROWS[128:])),
    "planes": tiff(COLOURS, *[ROWS[:64]] * 3),
    "tiles": tiff({**FLOATS, 322: [4], 323: [3]}, ROWS[:96], ROWS[96:]),
    "BigTIFF of Motorola": tiff({**FLOATS, 258: [8]}, ROWS[:24], order=">", big=True),
    "BigTIFF of Motorola, deflate": tiff({**COLOURS, 259: [8]}, *[zlib.compress(ROWS[:64])] * 3, order=">", big=True),
}


@pytest.mark.parametrize("name", GOOD)
def test_rare_pixels_are_decompressed(name: str) -> None:
    assert codes(image, GOOD[name], "image/tiff") == []


@pytest.mark.parametrize("name", GOOD)
def test_pixels_that_are_missing_are_found(name: str) -> None:
    assert codes(image, GOOD[name][:-9], "image/tiff") == ["truncated"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (tiff(FLOATS, ROWS[:-1]), "truncated"),
        (tiff({**FLOATS, 259: [5]}, lzw(ROWS[:96])), "truncated"),
        (tiff({**FLOATS, 259: [8]}, zlib.compress(ROWS[:100])), "truncated"),
        (tiff({**FLOATS, 278: [3]}, ROWS), "malformed"),
        (tiff({**FLOATS, 257: [0]}, ROWS), "malformed"),
        (tiff({**FLOATS, 257: [2**31]}, ROWS), "limits_exceeded"),
        (tiff({**FLOATS, 256: [1], 257: [2**27], 278: [1]}, ROWS), "malformed"),
        (tiff({**FLOATS, 257: [2**27], 256: [1], 322: [1], 323: [1]}, ROWS), "malformed"),
        (tiff({**FLOATS, 277: [2**31]}, ROWS), "malformed"),
        (tiff(LOG_LUV, ROWS), "unsupported"),
        (tiff({**FLOATS, 258: [64]}, ROWS).replace(struct.pack("<HHI", 258, 4, 1), struct.pack("<HHI", 258, 4, 2**30)),
         "truncated"),
    ],
    ids=lambda value: str(value)[-30:],
)  # fmt: skip
def test_what_cannot_be_decompressed_is_objected_to(content: bytes, expected: str) -> None:
    assert codes(image, content, "image/tiff") == [expected]


def test_the_rest_of_the_pages_is_decoded_by_either_way() -> None:
    first = io.BytesIO()
    Image.new("L", (3, 3)).save(first, "TIFF")
    page = tiff(FLOATS, ROWS)
    both = bytearray(first.getvalue())
    # The directory of the second page, and where its values are, are moved behind the first page.
    link = 8 + 2 + 12 * struct.unpack_from("<H", both, 8)[0]
    moved = bytearray(page[8:])
    for entry in range(2, 2 + 12 * struct.unpack_from("<H", moved)[0], 12):
        if struct.unpack_from("<H", moved, entry)[0] == 273:
            struct.pack_into("<I", moved, entry + 8, struct.unpack_from("<I", moved, entry + 8)[0] - 8 + len(both))
    struct.pack_into("<I", both, link, len(both))
    assert codes(image, bytes(both + moved), "image/tiff") == []
    assert codes(image, bytes(both + moved)[:-9], "image/tiff") == ["truncated"]
