"""ops.dev.scanner: which clamd is used, and a sentence about it."""

import asyncio
import shutil
from pathlib import Path

import pytest

from ops.dev import scanner
from ops.dev.scanner import EICAR, ScannerError, chosen
from tests.debian import needs


@pytest.fixture
def installed_clamd() -> None:
    needs("clamd")


@pytest.fixture(autouse=True)
def no_system_clamd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner, "SOCKETS", ())
    monkeypatch.setattr(scanner, "DEFINITIONS", ())


async def instream(address: str, body: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(address.removeprefix("unix://"))
    writer.write(b"zINSTREAM\0" + len(body).to_bytes(4, "big") + body + bytes(4))
    answer = await reader.readuntil(b"\0")
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.server
@pytest.mark.usefixtures("installed_clamd")
async def test_an_installed_clamd_is_started_finds_eicar_and_is_stopped(tmp_path: Path) -> None:
    async with chosen(None, tmp_path / "clamd") as found:
        assert found.address is not None
        assert "a test database that knows only EICAR" in found.sentence
        assert b"Eicar-Test-Signature" in await instream(found.address, EICAR)
        assert await instream(found.address, b"harmless") == b"stream: OK\0"
    assert found.child is not None
    assert not found.child.running


@pytest.mark.server
@pytest.mark.usefixtures("installed_clamd")
async def test_the_systems_definitions_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "daily.ndb").write_text("Our.Signature:0:0:deadbeefdeadbeefdeadbeefdeadbeef\n")
    monkeypatch.setattr(scanner, "DEFINITIONS", (tmp_path / "missing", tmp_path))
    async with chosen(None, tmp_path / "clamd") as found:
        assert f"the definitions in {tmp_path}" in found.sentence
        assert b"FOUND" in await instream(found.address or "", bytes.fromhex("deadbeefdeadbeefdeadbeefdeadbeef"))


@pytest.mark.server
@pytest.mark.usefixtures("installed_clamd")
async def test_a_running_clamd_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with chosen(None, tmp_path / "clamd") as system:
        socket = (system.address or "").removeprefix("unix://")
        monkeypatch.setattr(scanner, "SOCKETS", (str(tmp_path / "none"), socket))
        async with chosen(None, tmp_path / "unused") as found:
            assert found.address == system.address
            assert found.child is None
        async with chosen(system.address, tmp_path / "unused") as configured:
            assert configured.address == system.address
    assert not (tmp_path / "unused").exists()


async def test_a_clamd_that_does_not_start_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "clamd"
    broken.write_text("#!/bin/sh\necho out of memory\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: str(broken))
    async with chosen(None, tmp_path / "folder") as found:
        assert found.address is None
        assert "YARA-X only" in found.sentence
        assert "exit 3: out of memory" in found.sentence


async def test_without_clamd_the_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    async with chosen(None, tmp_path / "folder") as found:
        assert found.address is None
        assert found.sentence.startswith("YARA-X only: clamd is not installed")


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "unix:///nowhere/clamd.sock"])
async def test_a_configured_clamd_must_respond(address: str, tmp_path: Path) -> None:
    with pytest.raises(ScannerError, match=address):
        async with chosen(address, tmp_path / "folder"):
            pass
