"""The embedded S3, SQS and DynamoDB: one ministack process on loopback that verifies signatures.

    async with running(port=0) as emulator:
        ...  # emulator.endpoint, emulator.keys

The root key's signature is not verified by ministack, and root is exempt from bucket policies, so
root only creates the IAM user whose keys are handed out. Nothing is downloaded.
"""

import asyncio
import importlib.util
import json
import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiobotocore.session import get_session

from airlock.errors import AirlockError
from ops.child import Child
from ops.loopback import HOST, free_port

REGION: Final = "eu-central-1"
USER = "airlock"
ACTIONS = ("s3:*", "sqs:*", "dynamodb:*")
START_SECONDS = 30.0
# Longer than it waits for open connections, and then writes its state.
STOP_SECONDS = 20.0
POLL_SECONDS = 0.05


class EmulatorError(AirlockError):
    """The emulator did not come up; the message ends with the last lines of its log."""


@dataclass(frozen=True)
class Keys:
    """An IAM user's access key."""

    access_key_id: str
    secret_access_key: str = field(repr=False)

    def environment(self) -> dict[str, str]:
        """The variables from which the ordinary AWS credential chain takes these keys."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }


@dataclass(frozen=True)
class Emulator:
    """A serving emulator: its address, the region it plays, and keys whose signatures it verifies."""

    endpoint: str
    region: str
    keys: Keys
    child: Child
    log: Path


@asynccontextmanager
async def running(*, port: int = 0, state: Path | None = None, region: str = REGION) -> AsyncIterator[Emulator]:
    """Start ministack on 127.0.0.1:`port` (0: a free one) and end it on the way out.

    With `state`, objects, records, messages and the keys are kept in that folder over a clean stop;
    after a SIGKILL only objects are certain. Raises EmulatorError when it does not come up.
    """
    if importlib.util.find_spec("ministack") is None:
        raise EmulatorError("the emulator is not installed: pip install ministack")
    folder = state or Path(tempfile.mkdtemp(prefix="airlock-emulator-"))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        root = Keys(f"root{secrets.token_hex(8)}", secrets.token_hex(20))
        port = port or free_port()
        child = await _start(port, root, folder, region, keep=state is not None)
        try:
            endpoint = f"http://{HOST}:{port}"
            await _until_ready(child, endpoint, root, folder / "emulator.log")
            keys = await _keys(endpoint, region, root, folder / "keys.json")
            yield Emulator(endpoint, region, keys, child, folder / "emulator.log")
        finally:
            # Without state there is nothing to wait for; with it, SIGKILL would lose the records.
            await child.stop(STOP_SECONDS if state else 0)
    finally:
        if state is None:
            shutil.rmtree(folder, ignore_errors=True)


async def _start(port: int, root: Keys, folder: Path, region: str, *, keep: bool) -> Child:
    with (folder / "emulator.log").open("wb") as log:
        return await Child.start(
            "emulator",
            [sys.executable, "-m", "ministack"],
            env=_environment(port, root, folder, region, keep=keep),
            output=log,
            # A clean stop is when ministack writes its state.
            orphaned=signal.SIGTERM if keep else signal.SIGKILL,
        )


def _environment(port: int, root: Keys, folder: Path, region: str, *, keep: bool) -> dict[str, str]:
    kept = "1" if keep else "0"
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "AUTH": "true",
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": region,
        "SERVICES": "s3,sqs,dynamodb,iam,sts",
        "LOG_LEVEL": "WARNING",
        # Told again by its health page: so another program on this port is not taken for ours.
        "MINISTACK_EDITION": root.access_key_id,
        # Listeners that nobody asked for, and the removal of other ministacks' containers.
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent",
        "S3_PERSIST": kept,
        "S3_DATA_DIR": str(folder / "s3"),
        "PERSIST_STATE": kept,
        "STATE_DIR": str(folder / "services"),
        **root.environment(),
    }


async def _until_ready(child: Child, endpoint: str, root: Keys, log: Path) -> None:
    try:
        async with asyncio.timeout(START_SECONDS), aiohttp.ClientSession() as session:
            while not await _ready(session, endpoint, root):
                if not child.running:
                    raise EmulatorError(f"the emulator ended ({child.ending}):\n{_tail(log)}")
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise EmulatorError(f"the emulator did not serve in {START_SECONDS:.0f} s:\n{_tail(log)}") from None


async def _ready(session: aiohttp.ClientSession, endpoint: str, root: Keys) -> bool:
    try:
        async with session.get(f"{endpoint}/_ministack/health") as response:
            health = await response.json()
    except (aiohttp.ClientError, ValueError):
        return False
    ours: bool = health.get("edition") == root.access_key_id
    return ours and bool(health["ready_scripts"]["status"] == "completed")


def _tail(log: Path, lines: int = 10) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


async def _keys(endpoint: str, region: str, root: Keys, kept: Path) -> Keys:
    """The user's keys: those kept from an earlier run while ministack still knows them, else new ones."""
    async with get_session().create_client(
        "iam",
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=root.access_key_id,
        aws_secret_access_key=root.secret_access_key,
    ) as iam:
        known = await _known_keys(iam)
        if kept.exists():
            keys = Keys(**json.loads(kept.read_text()))
            if keys.access_key_id in known:
                return keys
        for stale in known:  # a user has two keys at most
            await iam.delete_access_key(UserName=USER, AccessKeyId=stale)
        made = (await iam.create_access_key(UserName=USER))["AccessKey"]
        keys = Keys(made["AccessKeyId"], made["SecretAccessKey"])
        kept.touch(mode=0o600)
        kept.write_text(json.dumps(asdict(keys)))
        return keys


async def _known_keys(iam: Any) -> set[str]:
    try:
        await iam.create_user(UserName=USER)
    except iam.exceptions.EntityAlreadyExistsException:
        listed = await iam.list_access_keys(UserName=USER)
        return {key["AccessKeyId"] for key in listed["AccessKeyMetadata"]}
    statement = {"Effect": "Allow", "Action": list(ACTIONS), "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    await iam.put_user_policy(UserName=USER, PolicyName="airlock", PolicyDocument=policy)
    return set()
