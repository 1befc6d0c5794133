"""`airlock dev`: it starts everything, a signal ends everything, and a folder keeps the state."""

import asyncio
import os
import re
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from airlock.origins import Origins
from airlock.profiles import Profiles
from ops.dev.environment import cors_origins, profiles_file
from tests.ops.terminal import COMMAND, Dev, airlock
from tests.ops.terminal import dev as running_dev

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]


def family(pid: int) -> set[int]:
    """All descendants of the process `pid`."""
    children = {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    return children.union(*(family(child) for child in children))


async def gone(pids: set[int]) -> None:
    """Wait until none of these processes runs."""
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(descriptor, ended.set)
        try:
            await asyncio.wait_for(ended.wait(), 20)
        finally:
            asyncio.get_running_loop().remove_reader(descriptor)
            os.close(descriptor)


async def test_it_serves_the_demo_page_and_is_ready(airlock_dev: Dev) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(airlock_dev.address) as page:
            assert page.content_type == "text/html"
        async with session.get(f"{airlock_dev.address}/readyz") as ready:
            assert ready.status == 200


async def test_a_page_of_any_server_on_this_machine_may_upload(airlock_dev: Dev) -> None:
    environment = airlock_dev.environment
    bucket = f"{environment['AIRLOCK_ENDPOINT_URL']}/{environment['AIRLOCK_INCOMING_BUCKET']}"
    asked = {"Origin": "http://localhost:5173", "Access-Control-Request-Method": "POST"}
    async with aiohttp.ClientSession() as session:
        for url in (f"{airlock_dev.address}/v1/uploads", bucket):
            async with session.options(url, headers=asked) as answer:
                assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:5173"


@pytest.mark.parametrize(
    ("given", "added"),
    [("", True), ("https://app.example.com/", True), ('["https://app.example.com"]', True), ("*", False)],
)
def test_origins_of_the_developer_are_added(given: str, added: bool) -> None:
    allowed = Origins(cors_origins(given).split(","))
    assert allowed.allows("https://app.example.com") is bool(given)
    assert allowed.allows("http://127.0.0.1:8080")
    assert ("http://localhost:*" in cors_origins(given)) is added


async def test_its_settings_are_enough_for_other_commands(airlock_dev: Dev) -> None:
    ran = await airlock("provision", "--dry-run", **airlock_dev.environment)
    assert ran.out == "Nothing to change: everything is as it should be.\n"


async def test_it_prints_what_it_scans_with(airlock_dev: Dev) -> None:
    assert re.search(r"dev │ scanning with YARA-X", airlock_dev.log.read_text())


async def test_a_signal_while_it_starts_ends_everything(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(*COMMAND, "dev", "--port", "0"),
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    await process.stderr.readline()
    processes = family(process.pid)
    process.terminate()
    out, err = await process.communicate()
    assert (process.returncode, out) == (0, b""), err
    await gone(processes)
    assert list(tmp_path.iterdir()) == []


async def test_when_it_is_killed_everything_ends(tmp_path: Path) -> None:
    async with running_dev(tmp_path) as running:
        processes = family(running.process.pid)
        await running.end(signal.SIGKILL)
        await gone(processes)


async def test_a_worker_that_ends_ends_it_with_the_reason(tmp_path: Path) -> None:
    async with running_dev(tmp_path) as running:
        processes = family(running.process.pid)
        [worker] = [pid for pid in processes if b"workers" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]
        os.kill(worker, signal.SIGKILL)
        assert await running.process.wait() == 1
    await gone(processes)
    assert "Error: the worker ended: SIGKILL" in running.log.read_text()


async def ends_with(running: Dev, number: signal.Signals) -> None:
    """The signal ends it and all of its processes, and its exit code is 0."""
    processes = family(running.process.pid)
    assert len(processes) >= 3
    assert await running.end(number) == 0
    await gone(processes)
    assert running.log.read_text().endswith("everything has ended\n")


@pytest.mark.long
async def test_a_signal_ends_everything_and_a_folder_keeps_uploads_over_the_restart(tmp_path: Path) -> None:
    file = tmp_path / "note.txt"
    file.write_text("Kept over a restart, every word of it.\n" * 20)
    async with running_dev(tmp_path / "state") as first:
        sent = await airlock("upload", file, "--json", "--service", first.address)
        assert sent.code == 0, sent
        await ends_with(first, signal.SIGINT)
    [upload] = sent.documents
    async with running_dev(tmp_path / "state") as second:
        status = await airlock("status", upload["id"], "--json", "--service", second.address)
        assert status.documents[0]["state"] == "accepted"
        content = f"{second.address}/v1/uploads/{upload['id']}/content"
        async with aiohttp.ClientSession() as session, session.get(content) as response:
            assert await response.text() == file.read_text()
        again = await airlock("upload", file, "--service", second.address)
        assert again.code == 0, again
        await ends_with(second, signal.SIGTERM)


async def test_a_folder_is_used_by_one_run(airlock_dev: Dev) -> None:
    ran = await airlock("dev", "--port", "0", "--state", airlock_dev.state)
    assert ran.code == 1
    assert ran.err == f"Error: another airlock dev uses {airlock_dev.state}: end it, or name another folder\n"


async def test_a_port_in_use_is_a_usage_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = await airlock("dev", "--port", str(taken.getsockname()[1]))
    assert (ran.code, ran.out) == (2, "")
    assert "is in use" in ran.err


async def test_wrong_profiles_are_reported_and_no_file_is_left(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[profiles.default]\ncontent_types = []\n")
    environment = {"AIRLOCK_PROFILES": str(tmp_path / "bad.toml"), "TMPDIR": str(tmp_path / "tmp")}
    (tmp_path / "tmp").mkdir()
    ran = await airlock("dev", "--port", "0", **environment)
    assert ran.code != 0
    assert "content_types" in ran.err
    assert list((tmp_path / "tmp").iterdir()) == []


def test_without_clamd_no_profile_has_its_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRLOCK_PROFILES", raising=False)
    scanned = profiles_file(tmp_path, clamd=True)
    unscanned = profiles_file(tmp_path, clamd=False)
    before = Profiles.load(scanned.read_text()).profiles
    after = Profiles.load(unscanned.read_text(), "json").profiles
    assert any("clamd" in profile.checks for profile in before.values())
    assert not any("clamd" in profile.checks for profile in after.values())
    assert all("yara" in profile.checks for profile in after.values())
