"""ops.dev.emulator: it always ends, and keeps its state where that is wanted. tests/deployment.py tests signatures."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest
from aiobotocore.session import get_session

from aws.settings import AwsSettings
from ops.dev.emulator import REGION, Emulator, EmulatorError, running
from ops.settings import Settings
from tests.deployment import settings_for

pytestmark = pytest.mark.server

PARENT = """
import asyncio, sys
from ops.dev import emulator
async def main():
    async with emulator.running() as running:
        print(running.child.process.pid, flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


async def buckets(emulator: Emulator) -> list[str]:
    async with get_session().create_client(
        "s3",
        region_name=emulator.region,
        endpoint_url=emulator.endpoint,
        aws_access_key_id=emulator.access_key.access_key_id,
        aws_secret_access_key=emulator.access_key.secret_access_key,
    ) as s3:
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            await s3.create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": REGION})
        return [bucket["Name"] for bucket in (await s3.list_buckets())["Buckets"]]


async def test_the_credential_chain_finds_the_keys_of_a_deployment(deployment: AwsSettings) -> None:
    async with get_session().create_client(
        "dynamodb", region_name=deployment.region, endpoint_url=deployment.endpoint_url
    ) as dynamodb:
        table = await dynamodb.describe_table(TableName=deployment.table)
    assert table["Table"]["TableStatus"] == "ACTIVE"


async def test_state_keeps_keys_and_buckets_over_a_restart(tmp_path: Path) -> None:
    async with running(state=tmp_path) as first:
        assert await buckets(first) == ["kept"]
    async with running(state=tmp_path) as second:
        assert second.access_key == first.access_key
        assert await buckets(second) == ["kept"]
    assert (tmp_path / "keys" / "airlock.json").stat().st_mode & 0o077 == 0


@pytest.mark.server
async def test_state_keeps_the_users_of_all_roles_over_a_restart(tmp_path: Path) -> None:
    async with running(state=tmp_path) as first:
        wanted = Settings(**settings_for(first).model_dump())
        users = await first.users(wanted)
    async with running(state=tmp_path) as second:
        assert await second.users(wanted) == users
    assert {path.name for path in (tmp_path / "keys").iterdir()} == {
        "airlock.json",
        "airlock-operator.json",
        "airlock-service.json",
        "airlock-workers.json",
    }


async def test_a_port_in_use_is_an_error_that_shows_the_log(emulator: Emulator) -> None:
    taken = int(emulator.endpoint.rpartition(":")[2])
    with pytest.raises(EmulatorError, match="already in use"):
        async with running(port=taken):
            pass


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
async def test_it_ends_when_its_parent_is_killed() -> None:
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    gone = os.pidfd_open(pid)
    try:
        parent.kill()
        await parent.wait()
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(gone, ended.set)
        await asyncio.wait_for(ended.wait(), 10)
        asyncio.get_running_loop().remove_reader(gone)
    finally:
        os.close(gone)
    assert parent.returncode == -signal.SIGKILL
