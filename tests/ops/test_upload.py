"""`airlock upload` and `airlock status`: the verdict is printed, and gives the exit code."""

import json
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ops.dev.scanner import EICAR
from tests.ops.terminal import Dev, airlock, airlock_on_terminal

pytestmark = pytest.mark.server


def png(pixels: int = 64) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + bytes((x * y) % 256 for x in range(pixels * 3)) for y in range(pixels))
    header = struct.pack(">IIBBBBB", pixels, pixels, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


HTML = b"<!DOCTYPE html><html><head><title>Hi</title></head><body><script>alert(1)</script></body></html>\n"

Made = Callable[[str, bytes], Path]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    def write(name: str, body: bytes) -> Path:
        (tmp_path / name).write_bytes(body)
        return tmp_path / name

    return write


async def test_an_accepted_file_is_exit_0_with_its_evidence(airlock_dev: Dev, made: Made) -> None:
    file = made("photo.png", png())
    ran = await airlock("upload", file, "--service", airlock_dev.address)
    assert ran.code == 0, ran
    assert ran.err == ""
    assert ran.out.startswith(f"✓ {file}  accepted\n")
    assert f"image/png, {len(png()) / 1000:.1f} kB" in ran.out
    assert f"content  {airlock_dev.address}/v1/uploads/" in ran.out


@pytest.mark.parametrize(
    ("name", "body", "code", "state", "finding"),
    [
        ("eicar.txt", EICAR, 4, "infected", "yara_match"),
        ("photo.png", EICAR, 4, "infected", "yara_match"),
        ("page.png", HTML, 3, "rejected", "media_type_mismatch"),
    ],
)
async def test_a_verdict_is_the_exit_code(
    airlock_dev: Dev, made: Made, name: str, body: bytes, code: int, state: str, finding: str
) -> None:
    ran = await airlock("upload", made(name, body), "--json", "--service", airlock_dev.address)
    assert ran.code == code, ran
    [upload] = ran.documents
    assert upload["state"] == state
    assert finding in {one["code"] for one in upload["verdict"]["findings"]}


async def test_of_many_files_the_worst_decides_and_each_has_its_document_in_order(airlock_dev: Dev, made: Made) -> None:
    files = [made("a.png", png()), made("b.txt", EICAR), made("c.exe", b"MZ"), made("d.png", HTML)]
    ran = await airlock("upload", *files, "--json", "--service", airlock_dev.address)
    assert ran.code == 4, ran
    assert [(upload["file"], upload.get("state")) for upload in ran.documents] == [
        (str(files[0]), "accepted"),
        (str(files[1]), "infected"),
        (str(files[2]), None),
        (str(files[3]), "rejected"),
    ]
    assert ran.documents[2]["error"]["code"] == "content_type_not_allowed"


async def test_the_rules_of_a_profile_reject_before_a_byte_is_sent(airlock_dev: Dev, made: Made) -> None:
    ran = await airlock("upload", made("a.pdf", b"%PDF-1.7"), "--profile", "avatar", "--service", airlock_dev.address)
    assert ran.code == 3
    assert "not uploaded" in ran.out
    assert "field: content_type" in ran.out


async def test_an_unknown_profile_is_exit_2(airlock_dev: Dev, made: Made) -> None:
    ran = await airlock("upload", made("a.png", png()), "--profile", "nope", "--service", airlock_dev.address)
    assert ran.code == 2
    assert "field: profile" in ran.out


async def test_without_waiting_the_id_is_printed_and_status_shows_the_verdict(airlock_dev: Dev, made: Made) -> None:
    sent = await airlock("upload", made("a.png", png()), "--no-wait", "--json", AIRLOCK_SERVICE=airlock_dev.address)
    assert sent.code == 0
    status = await airlock("status", sent.documents[0]["id"], "--wait", AIRLOCK_SERVICE=airlock_dev.address)
    assert status.code == 0
    assert status.out.startswith("✓ a.png  accepted\n")


async def test_the_status_of_an_unknown_upload_is_an_error(airlock_dev: Dev) -> None:
    ran = await airlock("status", "0" * 48, "--service", airlock_dev.address)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Error: ")


async def test_a_service_that_cannot_be_reached_is_exit_6(made: Made) -> None:
    ran = await airlock("upload", made("a.png", png()), "--json", "--service", "http://127.0.0.1:9")
    assert ran.code == 6
    assert ran.documents[0]["error"]["code"] == "no_answer"
    assert ran.err == ""


async def test_an_unknown_token_is_exit_2(airlock_dev: Dev, made: Made) -> None:
    ran = await airlock("upload", made("a.png", png()), "--service", airlock_dev.address, AIRLOCK_TOKEN="wrong")
    assert ran.code == 2
    assert "not uploaded" in ran.out


async def test_a_missing_file_is_exit_2(airlock_dev: Dev) -> None:
    ran = await airlock("upload", "/nowhere/a.png", "--service", airlock_dev.address)
    assert (ran.code, ran.out) == (2, "")


@pytest.mark.skipif(sys.platform != "linux", reason="reads a file below /proc that cannot be read")
async def test_a_file_that_cannot_be_read_is_exit_2(airlock_dev: Dev) -> None:
    ran = await airlock("upload", "/proc/self/mem", "--service", airlock_dev.address)
    assert ran.code == 2
    assert "! /proc/self/mem  not uploaded\n  The file cannot be read.\n" in ran.out


async def test_on_a_terminal_the_progress_of_each_file_is_shown(airlock_dev: Dev, made: Made) -> None:
    file = made("photo.png", png())
    code, printed = await airlock_on_terminal("upload", file, "--service", airlock_dev.address)
    assert code == 0
    progress, _, verdict = printed.partition("✓")
    assert "photo.png" in progress
    assert "accepted" in verdict


async def test_a_file_name_cannot_control_the_terminal(airlock_dev: Dev, made: Made) -> None:
    ran = await airlock("upload", made("a\x1b[2J.png", png()), "--json", "--service", airlock_dev.address)
    assert "\x1b" not in ran.out
    assert json.loads(ran.out)["file"].endswith("a�[2J.png")
