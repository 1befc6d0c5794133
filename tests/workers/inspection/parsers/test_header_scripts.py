"""Pictures and sounds that begin with what a browser runs as JavaScript."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.inspection.parsers.image_samples import GOOD, media_type, saved
from tests.workers.inspection.parsers.recorder import codes
from workers.inspection.parsers import image
from workers.inspection.parsers.header_scripts import begins_as_script

CODE = b"*/=1;alert(document.domain)/*"
SCRIPTS = {
    "gif, assignment": b"GIF89a=\t1\n;/*" + bytes(5) + b"*/console.log('x');/*" + bytes(20),
    "gif, comment": b"GIF89a/*" + bytes(30) + CODE + b"\0\0",
    "gif, older": b"GIF87a/*" + bytes(30) + CODE,
    "gif, text": b"GIF89a = 1; alert(document.domain); // " + bytes(30),
    "gif, template": b"GIF89a`" + bytes(30) + b"`;alert(document.domain)",
    "gif, string": b"GIF89a='" + bytes(30) + b"';alert(document.domain)",
    "gif, comment of one line": b"GIF89a;//" + bytes(30) + b"\nalert(document.domain)",
    "bmp, comment": b"BM/*" + bytes(60) + CODE,
    "webp, comment": b"RIFF/*\0\0WEBPVP8 " + bytes(60) + CODE,
    "aiff, comment": b"FORM/*\0\0AIFF" + bytes(60) + CODE,
    "jpeg, length": b"\xff\xd8\xff\xe0/*JFIF\0" + bytes(60) + CODE,
    "jpeg, comment": b"\xff\xd8\xff\xfe/*" + bytes(60) + CODE,
    "jpeg, assignment": b"\xff\xd8\xff\xe1=\n'" + bytes(60) + b"';alert(document.domain)",
    "amr, hashbang": b"#!AMR\n/*" + bytes(60) + CODE,
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_header_that_is_code_is_found(name: str) -> None:
    assert begins_as_script(io.BytesIO(SCRIPTS[name]))


def test_the_examiner_reports_it() -> None:
    gif = saved("GIF", mode="P")
    body = gif[:6] + b"/*" + gif[8:-1] + b"!\xfe" + bytes([len(CODE)]) + CODE + b"\0;"
    assert "polyglot" in codes(image, body, "image/gif")
    bmp = GOOD["bmp"]
    assert "polyglot" in codes(image, b"BM/*\0\0" + bmp[6:] + CODE, "image/bmp")


@pytest.mark.parametrize("name", GOOD)
def test_good_images_are_none(name: str) -> None:
    assert not begins_as_script(io.BytesIO(GOOD[name])), media_type(name)


@given(st.integers(1, 4000), st.integers(1, 4000), st.binary(min_size=2000, max_size=4000))
def test_no_dimensions_of_a_gif_alone_are_code(width: int, height: int, behind: bytes) -> None:
    content = b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF7, 0, 0) + behind
    assert not begins_as_script(io.BytesIO(content))


def test_colours_that_are_text_are_no_code() -> None:
    content = b"GIF89a" + struct.pack("<HHBBB", 352, 320, 0xE7, 0, 2) + b"\x08\x0c\x0aVS`RZZT^UOUXJ_TUTYP^U[VXUY" * 20
    assert not begins_as_script(io.BytesIO(content + bytes(100)))


def test_a_comment_that_is_never_closed_is_no_program() -> None:
    assert not begins_as_script(io.BytesIO(b"GIF89a/*" + bytes(3_000_000)))
    assert begins_as_script(io.BytesIO(b"GIF89a/*" + bytes(3_000_000) + CODE))
