import struct
import tempfile
import zlib
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.inspection.parsers.image_samples import (
    GOOD,
    bitmap_runs,
    chunk,
    jpeg,
    media_type,
    pixels,
    png,
    segment,
    text_bomb,
)
from tests.workers.inspection.parsers.recorder import Recorder, codes, examined, nothing_left
from workers.inspection.parsers import image
from workers.inspection.parsers.images import decoding
from workers.inspection.parsers.port import EnvironmentFault
from workers.inspection.readings import Reading

NOTES = {"irregular", "maker_trailer"}


def objections(content: bytes, kind: str) -> list[str]:
    return [code for code in codes(image, content, media_type(kind)) if code not in NOTES]


@pytest.mark.parametrize("name", GOOD)
def test_a_good_image_has_no_finding(name: str) -> None:
    assert examined(image, GOOD[name], media_type(name)).findings == []


@pytest.mark.parametrize("name", GOOD)
def test_an_image_without_its_second_half_is_truncated(name: str) -> None:
    assert objections(GOOD[name][: len(GOOD[name].rstrip(b"\0\r\n")) * 2 // 5], name) == ["truncated"]


@pytest.mark.parametrize("name", ["webp", "bmp", "tiff", "heic", "avif"])
def test_an_image_without_its_last_byte_is_truncated(name: str) -> None:
    assert objections(GOOD[name][:-1], name) == ["truncated"]


@pytest.mark.parametrize("name", GOOD)
def test_an_image_behind_other_bytes_is_read_from_its_start(name: str) -> None:
    kind = media_type(name)
    assert examined(image, b"prefix" + GOOD[name], Reading(kind, start=6)).findings == []


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("png", png(chunk(b"PLTE", b"\0\0\0").replace(b"\0\0\0\xa7", b"\0\0\0\xa8"), pixels())),
        ("png", png(b"\xff\xff\xff\xff" + b"IDAT", pixels())),
        ("png", png(chunk(b"IDAT", b"this is not compressed"))),
        ("png", png(chunk(b"IDAT", zlib.compress(b"\7\0")))),
        ("png", png(pixels(), width=0)),
        ("png", png()),
        ("png", GOOD["png"][:8] + chunk(b"IDAT", b"") + GOOD["png"][8:]),
        ("jpeg", jpeg(b"\xff\xd8")),
        ("jpeg", jpeg(segment(0xE0, b"")[:2] + b"\0\1")),
        ("jpeg", b"\xff\xd8\xff\xd9"),
        ("gif", b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + b";"),
        ("gif", GOOD["gif"][:6] + bytes(7) + b"?" + GOOD["gif"][13:]),
        ("webp", GOOD["webp, lossless"][:24] + bytes(len(GOOD["webp, lossless"]) - 24)),
        ("bmp", GOOD["bmp"][:10] + b"\4\0\0\0" + GOOD["bmp"][14:18] + bytes(8) + GOOD["bmp"][26:]),
        ("tiff", GOOD["tiff"].replace(struct.pack("<HHI", 256, 4, 1), struct.pack("<HHI", 999, 4, 1))),
        ("heic", GOOD["heic"].replace(b"hvcC", b"xxxx")),
        ("avif", GOOD["avif"][: GOOD["avif"].index(b"mdat") + 4].ljust(len(GOOD["avif"]), b"\x55")),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)}",
)
def test_a_broken_image_is_malformed(kind: str, content: bytes) -> None:
    assert objections(content, kind) == ["malformed"]


def test_a_png_whose_pixels_end_early_is_truncated() -> None:
    assert codes(image, png(pixels(3), height=3), "image/png") == []
    assert codes(image, png(pixels(2), height=3), "image/png") == ["truncated"]


def test_a_tiff_with_a_part_that_is_not_in_the_file_is_truncated() -> None:
    content = GOOD["tiff, lzw"]
    at = content.index(struct.pack("<HHI", 273, 4, 1)) + 8
    moved = content[:at] + struct.pack("<I", len(content)) + content[at + 4 :]
    assert codes(image, moved, "image/tiff") == ["truncated"]


@pytest.mark.parametrize("name", ["heic", "avif"])
def test_a_heif_whose_pixels_lie_behind_its_last_box_is_truncated(name: str) -> None:
    pixels_at = GOOD[name].index(b"mdat") - 4
    assert objections(GOOD[name][:pixels_at], name) == ["truncated"]


def test_a_good_image_that_cannot_be_decoded_is_not_called_malformed() -> None:
    content = bitmap_runs()
    png_within = content[:30] + struct.pack("<I", 5) + content[34:]
    assert codes(image, png_within, "image/bmp") == ["unsupported"]


def test_a_heif_whose_parts_are_in_another_file_is_found() -> None:
    inside = b"\0\0\0\x0curl \0\0\0\1"
    outside = GOOD["heic"].replace(inside, b"\0\0\0\x0curl \0\0\0\0")
    assert inside in GOOD["heic"]
    assert codes(image, outside, "image/heic") == []  # the flag alone names no file
    address = b"http://192.0.2.1/x\0"
    at = GOOD["heic"].index(b"dinf") - 4
    longer = GOOD["heic"][: at + 28] + struct.pack(">I", 12 + len(address)) + b"url \0\0\0\0" + address
    dinf = bytearray(longer[at:])
    dinf[:4], dinf[8:12] = struct.pack(">I", 36 + len(address)), struct.pack(">I", 28 + len(address))
    content = GOOD["heic"][:at] + bytes(dinf) + GOOD["heic"][at + 36 :]
    assert "external_reference" in codes(image, content, "image/heic")


def test_an_image_too_large_is_refused_from_its_header() -> None:
    content = png(chunk(b"IDAT", zlib.compress(b"")), width=60_000, height=60_000)
    with patch("zlib.decompressobj", side_effect=AssertionError("nothing is decoded")):
        assert codes(image, content, "image/png") == ["limits_exceeded"]


@pytest.mark.parametrize("name", GOOD)
def test_every_format_keeps_to_the_limit_of_pixels(name: str) -> None:
    assert codes(image, GOOD[name], media_type(name), {"image_pixels": 0}) == ["limits_exceeded"]


@pytest.mark.parametrize("name", [name for name in GOOD if name.endswith(("animated", "pages", "several"))])
def test_every_format_keeps_to_the_limit_of_frames(name: str) -> None:
    assert codes(image, GOOD[name], media_type(name), {"image_frames": 3}) == []
    assert codes(image, GOOD[name], media_type(name), {"image_frames": 2}) == ["limits_exceeded"]


def test_all_frames_together_keep_to_a_multiple_of_the_limit() -> None:
    frame = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 1, 1, 0, 0, 1, 1, 0, 0))
    data = chunk(b"fdAT", b"\0\0\0\0" + zlib.compress(b"\0\x80"))
    assert codes(image, png(pixels(), (frame + data) * 15), "image/png", {"image_pixels": 1}) == []
    assert codes(image, png(pixels(), (frame + data) * 16), "image/png", {"image_pixels": 1}) == ["limits_exceeded"]


def test_a_gif_whose_frames_lie_far_outside_of_it_is_too_large() -> None:
    at = 13 + (3 << (GOOD["gif"][10] & 7) + 1)
    assert GOOD["gif"][at : at + 1] == b","
    content = GOOD["gif"][: at + 1] + b"\xff\xff\xff\xff" + GOOD["gif"][at + 5 :]
    assert codes(image, content, "image/gif") == ["limits_exceeded"]


def test_a_text_that_unpacks_to_more_than_is_read_is_a_limit() -> None:
    assert codes(image, text_bomb(100), "image/png") == []
    assert codes(image, text_bomb(30_000_000), "image/png") == ["limits_exceeded"]


@pytest.mark.parametrize("name", GOOD)
def test_a_file_on_a_disk_is_read_as_one_in_memory_and_left_open(name: str) -> None:
    recorder = Recorder()
    with tempfile.TemporaryFile() as file:
        file.write(GOOD[name])
        image.examine(file, len(GOOD[name]), Reading(media_type(name)), image.DEFAULTS, recorder)
        assert not file.closed
    assert recorder.findings == []


@pytest.mark.parametrize("error", [MemoryError(), OSError("out of memory error when reading image file")])
def test_memory_that_ran_out_is_not_the_files_fault(error: Exception) -> None:
    with patch("PIL.GifImagePlugin.GifImageFile", side_effect=error):
        assert codes(image, GOOD["gif"], "image/gif") == ["limits_exceeded"]


def test_a_device_that_fails_is_not_the_files_fault() -> None:
    with pytest.raises(EnvironmentFault), decoding.decoding():
        raise OSError(5, "Input/output error")


def test_memory_that_is_not_there_is_a_limit_before_the_decoder_runs() -> None:
    with (
        patch("workers.inspection.parsers.images.structure.bytearray", side_effect=MemoryError, create=True),
        patch("PIL.GifImagePlugin.GifImageFile", side_effect=AssertionError),
    ):
        found = examined(image, GOOD["gif"], "image/gif").findings
    assert [each.code for each in found] == ["limits_exceeded"]
    assert "24 × 16 pixels" in found[0].message


@pytest.mark.slow
@pytest.mark.long
@settings(max_examples=250, deadline=None)
@given(st.sampled_from(sorted(GOOD)), st.data())
def test_no_mutation_raises_or_leaves_a_file(name: str, data: st.DataObject) -> None:
    mutated = bytearray(GOOD[name])
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(mutated)))
        mutated[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    with nothing_left():
        examined(image, bytes(mutated), media_type(name))


def test_the_modules_limits_can_be_read_without_a_decoder() -> None:
    assert "PIL" not in Path(image.__file__).read_text().split("DEFAULTS")[1]
