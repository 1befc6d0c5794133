"""`python -m workers` as an operator sees it: exit codes, log lines, health, and SIGTERM."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from airlock.lifecycle import State
from aws.settings import AwsSettings
from tests.deployment import ROOT
from tests.workers.fault_proxy import FaultProxy
from tests.workers.harness import PNG, WorkerHarness, harness_in
from tests.workers.inspection.clamd import daemon
from tests.workers.program import measured

pytestmark = pytest.mark.server


async def _refused(environment: dict[str, str]) -> tuple[int, str]:
    """Exit code and standard error of a worker that does not start."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "workers"),
        cwd=ROOT,
        env={
            **{name: text for name, text in os.environ.items() if not name.startswith(("AIRLOCK_", "AWS_"))},
            **environment,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    return process.returncode or 0, (output + errors).decode()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Complete settings of a deployment that does not exist."""
    profiles = tmp_path / "profiles.toml"
    profiles.write_text('[profiles.default]\ncontent_types = ["*/*"]\nunexamined = ["*/*"]\nmax_bytes = 1\n')
    return {
        "AIRLOCK_REGION": "eu-central-1",
        "AIRLOCK_INCOMING_BUCKET": "in-coming",
        "AIRLOCK_ACCEPTED_BUCKET": "accepted",
        "AIRLOCK_QUARANTINE_BUCKET": "quarantine",
        "AIRLOCK_SECRETS": "s" * 32,
        "AIRLOCK_PROFILES": str(profiles),
    }


async def test_all_wrong_settings_are_reported_together() -> None:
    code, output = await _refused({"AIRLOCK_CONCURRENCY": "none", "AIRLOCK_REGOIN": "its-value"})
    assert code == 2
    named = ("REGION", "INCOMING_BUCKET", "SECRETS", "CONCURRENCY", "REGOIN")
    assert all(f"AIRLOCK_{name}:" in output for name in named)
    assert "its-value" not in output
    assert "Traceback" not in output


async def test_a_check_that_is_not_configured_stops_the_start(environment: dict[str, str]) -> None:
    code, output = await _refused(environment)
    assert (code, "AIRLOCK_CLAMD is not set" in output, "Traceback" in output) == (2, True, False)


@pytest.mark.parametrize("text", ["not TOML", "[profiles.default]\nmax_bytes = 0\n", None])
async def test_profiles_that_cannot_be_read_stop_the_start(environment: dict[str, str], text: str | None) -> None:
    path = Path(environment["AIRLOCK_PROFILES"])
    path.unlink() if text is None else path.write_text(text)
    code, output = await _refused(environment)
    assert (code, "Traceback" in output) == (2, False)
    assert output


async def test_without_credentials_the_worker_does_not_start(environment: dict[str, str]) -> None:
    nothing = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nowhere", "AIRLOCK_CLAMD": "tcp://127.0.0.1:1"}
    code, output = await _refused({**environment, **nothing})
    assert code == 1
    assert "cannot start: credentials" in output
    assert "Traceback" not in output


@pytest_asyncio.fixture
async def scanned(deployment: AwsSettings, tmp_path: Path) -> AsyncIterator[WorkerHarness]:
    """A worker harness whose health port is open and whose clamd does not run yet."""
    own: dict[str, Any] = {"clamd": f"tcp://127.0.0.1:{daemon.free_port()}", "health_port": daemon.free_port()}
    async with harness_in(deployment, tmp_path, **own) as here:
        yield here


async def test_one_line_for_each_object_and_readiness_that_waits_for_clamd(scanned: WorkerHarness) -> None:
    harness, port = scanned, int((scanned.settings.clamd or "").rpartition(":")[2])
    async with measured(harness) as worker:
        started = await worker.logged("working")
        assert started["checks"] == ["checksum", "clamd", "content", "size", "yara"]
        assert await _get(harness, "/healthz") == 200
        assert await _get(harness, "/readyz") == 503
        async with daemon.running(port):
            assert await _get(harness, "/readyz") == 200
            sent = await harness.put(PNG, profile="scanned", filename="secret name.png")
            line = await worker.logged("settled")
            worker.terminate()
            assert await worker.ended() == 0
    logged = {
        name: line[name] for name in ("level", "upload", "owner", "profile", "outcome", "codes", "bytes", "attempt")
    }
    assert logged == {
        "level": "INFO",
        "upload": sent.upload,
        "owner": "alice",
        "profile": "scanned",
        "outcome": "accepted",
        "codes": [],
        "bytes": len(PNG),
        "attempt": 1,
    }
    assert line["ms"] > 0
    assert not any(harness.secret.decode() in str(line) for line in worker.lines)


async def _get(harness: WorkerHarness, path: str) -> int:
    url = f"http://127.0.0.1:{harness.settings.health_port}{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status


async def test_sigterm_finishes_what_is_in_flight(proxied: tuple[WorkerHarness, FaultProxy]) -> None:
    harness, proxy = proxied
    reached, release = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        reached.set()
        await release.wait()

    proxy.inject("copy", "before", hold)
    sent = await harness.put(PNG)
    async with measured(harness, AIRLOCK_ENDPOINT_URL=proxy.endpoint) as worker:
        await reached.wait()
        worker.terminate()
        await worker.logged("draining 1 messages")
        release.set()
        assert await worker.ended() == 0
    assert (await harness.settled(sent)).state is State.ACCEPTED
    await harness.idle()


async def test_sigterm_gives_back_what_does_not_finish_in_time(proxied: tuple[WorkerHarness, FaultProxy]) -> None:
    harness, proxy = proxied
    reached, release = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        reached.set()
        await release.wait()

    proxy.inject("copy", "before", hold)
    sent = await harness.put(PNG)
    changes = {"AIRLOCK_ENDPOINT_URL": proxy.endpoint, "AIRLOCK_DRAIN_SECONDS": "3", "AIRLOCK_VISIBILITY": "3600"}
    async with measured(harness, **changes) as worker:
        await reached.wait()
        worker.terminate()
        await worker.logged("giving back 1 messages")
        assert await worker.ended() == 0
    release.set()
    # It was hidden for an hour: another worker receives it only because it was given back.
    async with harness.working():
        assert (await harness.settled(sent)).state is State.ACCEPTED
        await harness.idle()
