"""Pictures as phones, cameras and editors write them: they pass, at most with a note."""

import struct
import zlib

import pytest

from tests.workers.inspection.parsers.image_samples import (
    GOOD,
    VIDEO,
    bitmap_runs,
    chunk,
    jpeg,
    media_type,
    pixels,
    png,
    samsung,
    saved,
    segment,
    xmp,
)
from tests.workers.inspection.parsers.recorder import codes
from workers.inspection.parsers import image

JPEG, GIF, PNG, WEBP, BMP = (GOOD[each] for each in ("jpeg", "gif", "png", "webp", "bmp"))
WITH_AN_END = [name for name in GOOD if not name.startswith("tiff")]
ODD_WEBP = saved("WEBP", lossless=True) if len(saved("WEBP", lossless=True)) % 2 else WEBP


def resized(content: bytes, at: int, by: int) -> bytes:
    size = struct.unpack_from("<I", content, at)[0] + by
    return content[:at] + struct.pack("<I", size) + content[at + 4 :]


MAKERS = {
    "vivo": JPEG + b'vivo{"version":1}streamdata' + bytes(range(256)) + b"cameralbum\xff\xff\xff\xff\x1b*9HWfu",
    "oneplus": JPEG + b'{"watermark":1}' + bytes(90) + b"jxrs",
    "photo mechanic": JPEG + bytes(range(1, 200)) + b"cbipcbbl",
    "afcp": JPEG + b"AXS*\0\0\0\0" + bytes(range(200)) + b"AXS*\0\0\0\0",
    "samsung": JPEG + samsung(b"\0\0\1\x0aImage_UTC_Data1", b"\0\0\1\x0cMCC_Data262"),
    "motion photo": jpeg(xmp('GCamera:MotionPhoto="1"')) + VIDEO,
    "video that nothing announces": JPEG + VIDEO,
    "canon": JPEG + b"CANON OPTIONAL DATA\0" + bytes(40),
}
IRREGULAR = {
    "jpeg, no end": JPEG[:-2],
    "jpeg, half an end": JPEG[:-1],
    "jpeg, stray bytes": jpeg(segment(0xFE, b"comment") + b"JUNK"),
    "jpeg, stray zeros": jpeg(segment(0xE0, b"JFIF\0") + b"\0\0"),
    "jpeg, other bytes behind": JPEG + b"some 20 bytes of an editor",
    "png, remains of a cropped screenshot": PNG + PNG[40:],
    "png, wrong checksum of a text": png(chunk(b"tEXt", b"a\0b").replace(b"a\0b", b"a\0c"), pixels()),
    "png, no end": PNG[:-12],
    "png, half an end": PNG[:-5],
    "gif, no trailer": GIF[:-1],
    "gif, bytes behind": GIF + b"made with an editor",
    "gif, other bytes for the trailer": GIF[:-1] + b"?;",
    "webp, size one too large": resized(WEBP, 4, 1),
    "webp, size too small": resized(WEBP, 4, -8),
    "webp, size of all": resized(WEBP, 4, 8),
    "webp, size of all and more": resized(WEBP + b"behind the picture", 4, 99),
    "webp, bytes behind": WEBP + b"0123456789",
    "bmp, size too large": resized(BMP, 2, 4),
    "bmp, size too small": resized(BMP, 2, -9),
    "bmp, bytes behind": BMP + b"0123456789",
    "bmp, runs that leave out pixels": bitmap_runs(b"\x04\x01\0\0\0\1"),
    "heic, bytes behind": GOOD["heic"] + b"\0\0\0\1 0123456789 behind it",
    "avif, unknown box": GOOD["avif"] + b"\0\0\0\x0cabcd1234",
}


@pytest.mark.parametrize("name", MAKERS)
def test_data_of_a_maker_are_a_note(name: str) -> None:
    assert codes(image, MAKERS[name], "image/jpeg") == ["maker_trailer"]


@pytest.mark.parametrize("name", IRREGULAR)
def test_what_every_decoder_passes_over_is_a_note(name: str) -> None:
    assert set(codes(image, IRREGULAR[name], media_type(name))) == {"irregular"}


@pytest.mark.parametrize("name", WITH_AN_END)
def test_bytes_behind_an_image_are_told(name: str) -> None:
    behind = b"\1\2\3\4 what an editor left behind"
    assert set(codes(image, GOOD[name] + behind, media_type(name))) & {"irregular", "maker_trailer"}


def test_samsungs_boxes_in_a_heic_are_a_note() -> None:
    content = GOOD["heic"] + struct.pack(">I4s", 16, b"sefd") + bytes(8)
    assert codes(image, content, "image/heic") == ["maker_trailer"]


@pytest.mark.parametrize("filling", [b"\xff", b"\xff\xff\xff"])
def test_fill_bytes_before_a_marker_are_no_finding(filling: bytes) -> None:
    assert codes(image, jpeg(segment(0xFE, b"comment") + filling), "image/jpeg") == []


def test_a_wrong_checksum_of_all_pixels_is_none() -> None:
    packed = zlib.compress(b"\0\x80")
    assert codes(image, png(chunk(b"IDAT", packed[:-1] + bytes([packed[-1] ^ 1]))), "image/png") == []


def test_stray_bytes_of_any_length_are_passed_over() -> None:
    body = jpeg(segment(0xFE, b"comment") + b"\xff\0" * 100_000 + b"\0" * 65_535 + b"\xff" * 70_000)
    assert codes(image, body, "image/jpeg") == ["irregular"]


@pytest.mark.parametrize("part", [2, 3, 4])
def test_a_jpeg_that_stops_within_its_pixels_is_truncated(part: int) -> None:
    content = saved("JPEG", picture_size=(640, 480))
    assert codes(image, content[: len(content) * (part - 1) // part], "image/jpeg") == ["truncated"]
    assert codes(image, content[:-2], "image/jpeg") == ["irregular"]


def test_an_announced_image_that_is_not_whole_is_truncated() -> None:
    assert codes(image, GOOD["jpeg, several"] + b"\xff\xd8\xff\xe0", "image/jpeg") == ["truncated"]


def test_an_image_that_nothing_announces_is_decoded_too() -> None:
    assert codes(image, JPEG + JPEG, "image/jpeg") == []
    assert codes(image, JPEG + JPEG, "image/jpeg", {"image_frames": 1}) == ["limits_exceeded"]
    assert codes(image, JPEG + JPEG[:300], "image/jpeg") == ["irregular"]


def test_a_jpeg_of_200_megapixels_is_within_the_limits() -> None:
    assert image.DEFAULTS["image_pixels"] > 16_320 * 12_240


def test_a_gif_whose_writer_left_pixels_out_is_a_note_and_one_that_was_cut_is_not() -> None:
    head = b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0x80, 0, 0) + bytes(6)
    one_pixel = b"," + struct.pack("<HHHHB", 0, 0, 8, 8, 0) + b"\2\2\x44\1"
    assert codes(image, head + one_pixel + b"\0;", "image/gif") == ["irregular"]
    assert "truncated" in codes(image, head + one_pixel + b"\0", "image/gif")
    assert "truncated" in codes(image, head + one_pixel[:-1], "image/gif")
