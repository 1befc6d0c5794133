import io
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
    VIDEO,
    bitmap_runs,
    box,
    chunk,
    jpeg,
    pixels,
    png,
    samsung,
    saved,
    segment,
    text_bomb,
    xmp,
)
from tests.workers.inspection.parsers.recorder import Recorder, codes, findings, nothing_left
from workers.inspection.parsers import image

SCRIPT = b"<script>alert(1)</script>"
WITH_AN_END = [name for name in GOOD if not name.startswith("tiff")]


@pytest.mark.parametrize("name", GOOD)
def test_a_good_image_has_no_finding(name: str) -> None:
    assert image.recognises(GOOD[name])
    assert findings(image, GOOD[name]) == []


@pytest.mark.parametrize(
    "content", [b"", b"B", b"BM is how a text may begin", b"RIFF\0\0\0\0AVI ", b"%PDF-1.7", SCRIPT]
)
def test_other_formats_have_no_finding(content: bytes) -> None:
    assert not image.recognises(content)
    assert findings(image, content) == []


@pytest.mark.parametrize("name", GOOD)
def test_an_image_without_its_second_half_is_truncated(name: str) -> None:
    assert codes(image, GOOD[name][: len(GOOD[name].rstrip(b"\0\r\n")) // 2]) == ["truncated"]


@pytest.mark.parametrize("name", ["png", "jpeg", "gif", "webp", "bmp"])
def test_an_image_without_its_last_byte_is_truncated(name: str) -> None:
    assert codes(image, GOOD[name][:-1]) == ["truncated"]


@pytest.mark.parametrize("name", WITH_AN_END)
@pytest.mark.parametrize("extra", [SCRIPT, b"PK\x03\x04" + bytes(100), bytes(70_000) + b"MZ", b"\xff\xd8MZ"])
def test_what_follows_an_image_is_found(name: str, extra: bytes) -> None:
    assert codes(image, GOOD[name] + extra) == ["trailing_data"]


def test_an_announced_image_that_is_not_whole_is_truncated() -> None:
    assert codes(image, GOOD["jpeg, several"] + b"\xff\xd8\xff\xe0") == ["truncated"]


def test_the_bytes_that_follow_are_counted() -> None:
    assert [found.message for found in findings(image, GOOD["gif"] + SCRIPT)] == [
        "25 bytes follow the end of the image."
    ]


@pytest.mark.parametrize(
    "content",
    [
        saved("JPEG") + VIDEO,  # nothing announces it
        saved("JPEG") + saved("JPEG"),
        jpeg(xmp('MotionPhoto="1"')) + VIDEO[8:],
        jpeg(xmp('MotionPhoto="1"')) + VIDEO + SCRIPT,
        jpeg(xmp('MotionPhoto="1"')) + box(b"free", SCRIPT),
        jpeg(xmp('MotionPhoto="1"')) + b"\0\0\0\4ftypisom",
        saved("JPEG") + SCRIPT + samsung(b"record"),
        saved("JPEG") + samsung(b"record").replace(b"record", b"longer record"),
        saved("JPEG") + samsung(b"record").replace(b"SEFH", b"SEFX"),
    ],
)
def test_what_follows_a_photo_has_to_be_announced_and_whole(content: bytes) -> None:
    assert codes(image, content) == ["trailing_data"]


@pytest.mark.parametrize(
    "content",
    [
        png(pixels())[:-1] + b"x",
        png(chunk(b"tEXt", b"a\0b").replace(b"a\0b", b"a\0c"), pixels()),
        png(b"\xff\xff\xff\xff" + b"IDAT", pixels()),
        png(chunk(b"IDAT", b"this is not compressed")),
        png(pixels(), width=0),
        png(),
        GOOD["png"][:8] + chunk(b"IDAT", b"") + GOOD["png"][8:],
        jpeg(segment(0xFE, b"comment") + b"JUNK"),
        jpeg(b"\xff\xd8"),
        jpeg(segment(0xE0, b"")[:2] + b"\0\1"),
        b"\xff\xd8\xff\xd9",
        GOOD["gif"][:-1] + b"?;",
        b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + b";",
        GOOD["webp"][:16] + b"\xff\xff\0\0" + GOOD["webp"][20:],
        GOOD["webp, lossless"][:24] + bytes(len(GOOD["webp, lossless"]) - 24),
        GOOD["bmp"][:10] + b"\4\0\0\0" + GOOD["bmp"][14:18] + bytes(8) + GOOD["bmp"][26:],
        GOOD["tiff"].replace(struct.pack("<HHI", 256, 4, 1), struct.pack("<HHI", 999, 4, 1)),
    ],
    ids=lambda content: f"{content[:4]!r}, {len(content)}",
)
def test_a_broken_image_is_malformed(content: bytes) -> None:
    assert codes(image, content) == ["malformed"]


def test_a_tiff_with_a_part_that_is_not_in_the_file_is_truncated() -> None:
    content = GOOD["tiff, lzw"]
    at = content.index(struct.pack("<HHI", 279, 4, 1)) + 8
    assert codes(image, content[:at] + struct.pack("<I", len(content)) + content[at + 4 :]) == ["truncated"]


def test_a_bitmap_that_stops_before_the_size_in_its_header_is_truncated() -> None:
    assert codes(image, GOOD["bmp"][:2] + struct.pack("<I", len(GOOD["bmp"]) + 1) + GOOD["bmp"][6:]) == ["truncated"]


def test_a_bitmap_whose_header_counts_what_is_hidden_behind_the_pixels_is_found_out() -> None:
    content = GOOD["bmp"] + SCRIPT
    assert codes(image, content[:2] + struct.pack("<I", len(content)) + content[6:]) == ["trailing_data"]


def test_a_good_image_that_cannot_be_decoded_is_not_called_malformed() -> None:
    content = bitmap_runs()
    png_within = content[:30] + struct.pack("<I", 5) + content[34:]
    assert [(found.code, found.outcome) for found in findings(image, png_within)] == [("unsupported", "unscannable")]


def test_an_image_too_large_is_refused_from_its_header() -> None:
    content = png(chunk(b"IDAT", zlib.compress(b"")), width=60_000, height=60_000)
    with patch.object(image, "_decoders", side_effect=AssertionError("nothing is decoded")):
        assert [(found.code, found.outcome) for found in findings(image, content)] == [
            ("limits_exceeded", "unscannable")
        ]


@pytest.mark.parametrize("name", GOOD)
def test_every_format_keeps_to_the_limit_of_pixels(name: str) -> None:
    assert codes(image, GOOD[name], {"image_pixels": 0}) == ["limits_exceeded"]


@pytest.mark.parametrize("name", [name for name in GOOD if name.endswith(("animated", "pages", "several"))])
def test_every_format_keeps_to_the_limit_of_frames(name: str) -> None:
    assert codes(image, GOOD[name], {"image_frames": 3}) == []
    assert codes(image, GOOD[name], {"image_frames": 2}) == ["limits_exceeded"]


def test_a_gif_whose_frames_lie_far_outside_of_it_is_too_large() -> None:
    at = 13 + (3 << (GOOD["gif"][10] & 7) + 1)
    assert GOOD["gif"][at : at + 1] == b","
    content = GOOD["gif"][: at + 1] + b"\xff\xff\xff\xff" + GOOD["gif"][at + 5 :]
    assert codes(image, content) == ["limits_exceeded"]


def test_a_text_that_unpacks_to_more_than_is_read_is_a_limit() -> None:
    assert codes(image, text_bomb(100)) == []
    assert codes(image, text_bomb(30_000_000)) == ["limits_exceeded"]


def test_no_program_is_started_for_a_format_that_only_some_other_decoder_knows() -> None:
    body = io.BytesIO()
    body.write(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
    with (
        patch("subprocess.check_call", side_effect=AssertionError),
        patch("subprocess.run", side_effect=AssertionError),
    ):
        assert findings(image, body.getvalue()) == []


@pytest.mark.parametrize("name", GOOD)
def test_a_file_on_a_disk_is_read_as_one_in_memory_and_left_open(name: str) -> None:
    recorder = Recorder()
    with tempfile.TemporaryFile() as file:
        file.write(GOOD[name])
        image.examine(file, len(GOOD[name]), image.DEFAULTS, recorder)
        assert not file.closed
    assert recorder.findings == []


@pytest.mark.parametrize("error", [MemoryError(), OSError("out of memory error when reading image file")])
def test_memory_that_ran_out_is_not_the_files_fault(error: Exception) -> None:
    with patch.object(image, "_decoders", side_effect=error), pytest.raises(MemoryError):
        image.examine(io.BytesIO(GOOD["png"]), len(GOOD["png"]), image.DEFAULTS, Recorder())


def test_a_disk_that_fails_is_not_the_files_fault() -> None:
    with (
        patch.object(image, "_decoders", side_effect=OSError(5, "Input/output error")),
        pytest.raises(OSError, match="5"),
    ):
        findings(image, GOOD["png"])


@pytest.mark.without_coverage
@settings(max_examples=400)
@given(st.sampled_from(sorted(GOOD)), st.data())
def test_no_mutation_raises_or_leaves_a_file(name: str, data: st.DataObject) -> None:
    mutated = bytearray(GOOD[name])
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(mutated)))
        mutated[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    with nothing_left():
        findings(image, bytes(mutated))


def test_the_modules_limits_can_be_read_without_a_decoder() -> None:
    assert "PIL" not in Path(image.__file__).read_text().split("def recognises")[0].split("TYPE_CHECKING:")[0]
