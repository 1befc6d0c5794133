"""The embedded S3, SQS and DynamoDB: one ministack process on loopback that verifies signatures.

    async with running(port=0) as emulator:
        ...  # emulator.endpoint, emulator.keys

The root key's signature is not verified by ministack, and root is exempt from bucket policies, so
root only creates the IAM users whose keys are handed out: one that may make a deployment and look at all of it, and
whichever others are asked for. Nothing is downloaded.
"""

import asyncio
import importlib.util
import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from airlock.errors import AirlockError
from aws.settings import read_profiles
from ops.dev.child import Child
from ops.dev.loopback import HOST, free_port
from ops.dev.users import AccessKey, IamAdmin
from ops.iam.policies import PODS, Pod, document
from ops.settings import Settings

REGION: Final = "eu-central-1"
PARTITION: Final = "aws"
ACCOUNT: Final = "000000000000"
USER = "airlock"
# What `airlock provision` and whoever looks around need.
ACTIONS = ("s3:*", "sqs:*", "dynamodb:*", "sns:*", "events:*", "iam:GetRole", "iam:GetRolePolicy", "iam:PutRolePolicy")
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(ACTIONS), "Resource": "*"}]}
START_SECONDS = 30.0
# Longer than it waits for open connections, and then writes its state.
STOP_SECONDS = 20.0
POLL_SECONDS = 0.05


class EmulatorError(AirlockError):
    """The emulator did not come up; the message ends with the last lines of its log."""


@dataclass(frozen=True)
class Emulator:
    """A serving emulator: its address, the region it plays, and keys whose signatures it verifies."""

    endpoint: str
    region: str
    keys: AccessKey
    child: Child
    log: Path
    root: IamAdmin = field(repr=False)

    async def users(self, wanted: Settings, name: str = USER) -> dict[Pod, AccessKey]:
        """The keys of a user for each pod of a deployment, `name`-service and `name`-workers.

        Each may do what the role of its pod may on AWS, and nothing else. Raises ProfileError and OSError.
        """
        profiles = read_profiles(wanted.profiles)
        keys = await self.root.users(
            {f"{name}-{pod}": document(pod, wanted, profiles, partition=PARTITION, account=ACCOUNT) for pod in PODS}
        )
        return {pod: keys[f"{name}-{pod}"] for pod in PODS}


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
        keys = AccessKey(f"root{secrets.token_hex(8)}", secrets.token_hex(20))
        port = port or free_port()
        child = await _start(port, keys, folder, region, keep=state is not None)
        try:
            root = IamAdmin(keys, f"http://{HOST}:{port}", region, _of_keys(folder))
            await _until_ready(child, root.endpoint, keys, folder / "emulator.log")
            user = await root.user(USER, POLICY)
            yield Emulator(root.endpoint, region, user, child, folder / "emulator.log", root)
        finally:
            # Without state there is nothing to wait for; with it, SIGKILL would lose the records.
            await child.stop(STOP_SECONDS if state else 0)
    finally:
        if state is None:
            shutil.rmtree(folder, ignore_errors=True)


def _of_keys(folder: Path) -> Path:
    keys = folder / "keys"
    keys.mkdir(exist_ok=True, mode=0o700)
    return keys


async def _start(port: int, root: AccessKey, folder: Path, region: str, *, keep: bool) -> Child:
    with (folder / "emulator.log").open("wb") as log:
        return await Child.start(
            "emulator",
            [sys.executable, "-m", "ministack"],
            env=_environment(port, root, folder, region, keep=keep),
            output=log,
            # A clean stop is when ministack writes its state.
            orphaned=signal.SIGTERM if keep else signal.SIGKILL,
        )


def _environment(port: int, root: AccessKey, folder: Path, region: str, *, keep: bool) -> dict[str, str]:
    kept = "1" if keep else "0"
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "AUTH": "true",
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": region,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "SERVICES": "s3,sqs,dynamodb,sns,events,iam,sts",
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


async def _until_ready(child: Child, endpoint: str, root: AccessKey, log: Path) -> None:
    try:
        async with asyncio.timeout(START_SECONDS), aiohttp.ClientSession() as session:
            while not await _ready(session, endpoint, root):
                if not child.running:
                    raise EmulatorError(f"the emulator ended ({child.ending}):\n{_tail(log)}")
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise EmulatorError(f"the emulator did not serve in {START_SECONDS:.0f} s:\n{_tail(log)}") from None


async def _ready(session: aiohttp.ClientSession, endpoint: str, root: AccessKey) -> bool:
    try:
        async with session.get(f"{endpoint}/_ministack/health") as response:
            health = await response.json()
    except (aiohttp.ClientError, ValueError):
        return False
    ours: bool = health.get("edition") == root.access_key_id
    return ours and bool(health["ready_scripts"]["status"] == "completed")


def _tail(log: Path, lines: int = 10) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
