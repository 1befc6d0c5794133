"""The program: its exit codes, its log line with the address, its shutdown."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from aws.settings import AwsSettings
from ops.dev.emulator import Emulator
from tests.deployment import ROOT, keys_of
from tests.service.harness import TOKENS, tokens_file

pytestmark = pytest.mark.server

KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    tokens = tmp_path / "tokens.toml"
    tokens.write_text(tokens_file())
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("AIRLOCK_", "AWS_"))}
    return {
        **plain,
        **KEYS,
        "AIRLOCK_REGION": "eu-central-1",
        "AIRLOCK_INCOMING_BUCKET": "incoming-test",
        "AIRLOCK_ACCEPTED_BUCKET": "accepted-test",
        "AIRLOCK_QUARANTINE_BUCKET": "quarantine-test",
        "AIRLOCK_SECRETS": "s" * 32,
        "AIRLOCK_PROFILES": str(ROOT / "airlock.toml"),
        "AIRLOCK_UNREADY_SECONDS": "0.01",
        "AIRLOCK_TOKENS": str(tokens),
        "AIRLOCK_PORT": "0",
    }


@asynccontextmanager
async def started(environment: dict[str, str]) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "service", env=environment, cwd=ROOT, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def listening(process: Process) -> str:
    """The address in the log line "listening"."""
    assert process.stdout
    line = json.loads(await process.stdout.readline())
    assert line["message"] == "listening"
    return str(line["url"])


async def test_it_serves_and_ends_with_0_on_sigterm(environment: dict[str, str]) -> None:
    async with started(environment) as process, aiohttp.ClientSession() as http:
        url = await listening(process)
        headers = {"Authorization": f"Bearer {TOKENS['shop']}"}
        async with http.post(f"{url}/v1/uploads", json={"filename": "a.png"}, headers=headers) as response:
            assert response.status == 201
        process.send_signal(signal.SIGTERM)
        out, err = await process.communicate()
    assert process.returncode == 0
    assert err == b""
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["message"] for line in lines] == ["request", "stopping", "stopped"]


async def test_long_polls_are_answered_before_it_ends(
    environment: dict[str, str], emulator: Emulator, deployment: AwsSettings
) -> None:
    """A long poll is answered at once when the program stops, and not when its time is up."""
    environment |= {"AIRLOCK_MODE": "dev", "AIRLOCK_ADDRESSING": "path", "AIRLOCK_ENDPOINT_URL": emulator.endpoint}
    environment |= {**keys_of("service", deployment).environment(), "AIRLOCK_TABLE": deployment.table}
    async with started(environment) as process, aiohttp.ClientSession() as http:
        url = await listening(process)
        async with http.post(f"{url}/v1/uploads", json={"filename": "a.png"}) as response:
            upload = (await response.json())["id"]
        held = asyncio.create_task(http.get(f"{url}/v1/uploads/{upload}?wait=60"))
        # A later request, on a second connection, has its response: so the long poll has been read too.
        async with http.get(f"{url}/v1/uploads/{upload}") as response:
            assert response.status == 200
        process.send_signal(signal.SIGTERM)
        async with await held as response:
            assert (await response.json())["state"] == "awaiting_upload"
        await process.communicate()
    assert process.returncode == 0


async def test_wrong_settings_end_it_with_2_and_every_reason(environment: dict[str, str]) -> None:
    environment |= {"AIRLOCK_MODE": "dev", "AIRLOCK_HOST": "0.0.0.0", "AIRLOCK_REGION": "No Region"}
    environment |= {"AIRLOCK_WAITING_REQUESTS": "3000", "AIRLOCK_TOKENZ": "its-value"}
    async with started(environment) as process:
        out, err = await process.communicate()
    assert process.returncode == 2
    assert out == b""
    assert err.decode().splitlines()[0] == "the service cannot start:"
    named = {line.split(":")[0].strip() for line in err.decode().splitlines()[1:]}
    assert named == {f"AIRLOCK_{name}" for name in ("HOST", "REGION", "WAITING_REQUESTS", "TOKENZ")}
    assert "its-value" not in err.decode()


async def test_an_address_that_is_taken_ends_it_with_1(environment: dict[str, str]) -> None:
    async with started(environment) as first:
        url = await listening(first)
        taken = {"AIRLOCK_PORT": url.rpartition(":")[2], "AIRLOCK_CONECTIONS": "its-value"}
        async with started({**environment, **taken}) as second:
            out, _ = await second.communicate()
    assert second.returncode == 1
    assert json.loads(out.splitlines()[-1])["level"] == "CRITICAL"
    assert "is AIRLOCK_CONNECTIONS meant?" in json.loads(out.splitlines()[0])["message"]
    assert b"its-value" not in out


async def test_without_credentials_it_ends_with_1(environment: dict[str, str], tmp_path: Path) -> None:
    bare = {name: value for name, value in environment.items() if name not in KEYS}
    bare |= {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path)}
    async with started(bare) as process:
        out, _ = await process.communicate()
    assert process.returncode == 1
    assert "credential" in json.loads(out.splitlines()[-1])["message"]
