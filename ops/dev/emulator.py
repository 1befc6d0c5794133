"""The embedded S3, SQS and DynamoDB: one ministack process on loopback that verifies signatures.

    async with running(port=0) as emulator:
        ...  # emulator.endpoint, emulator.access_key

ministack does not verify the signature of its root key, and root is exempt from bucket policies. So root only creates
IAM users, and their keys are used: one user that may create a deployment and read all of it, and others on request.
Nothing is downloaded.
"""

import asyncio
import importlib.util
import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from airlock.errors import AirlockError
from aws.settings import read_profiles
from ops.dev.child import ChildProcess
from ops.dev.loopback import HOST, free_port
from ops.dev.users import AccessKey, IamAdmin
from ops.iam.policies import PODS, Pod, document
from ops.settings import Settings

REGION: Final = "eu-central-1"
PARTITION: Final = "aws"
ACCOUNT: Final = "000000000000"
USER = "airlock"
# What `airlock provision` and a developer who looks around need.
ACTIONS = ("s3:*", "sqs:*", "dynamodb:*", "sns:*", "events:*", "iam:GetRole", "iam:GetRolePolicy", "iam:PutRolePolicy")
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(ACTIONS), "Resource": "*"}]}
START_SECONDS = 30.0
# ministack waits for open connections and then writes its state; this is longer.
STOP_SECONDS = 20.0
POLL_SECONDS = 0.05
FIXED_ENVIRONMENT: Final[Mapping[str, str]] = {
    "AUTH": "true",
    "BIND_HOST": HOST,
    "MINISTACK_ACCOUNT_ID": ACCOUNT,
    "SERVICES": "s3,sqs,dynamodb,sns,events,iam,sts",
    "LOG_LEVEL": "WARNING",
    # Without these ministack opens listeners that nobody needs, and removes containers of other ministacks.
    "SFTP_ENABLED": "0",
    "IOT_MTLS_ENABLED": "0",
    "DOCKER_HOST": "unix:///nonexistent",
}


class EmulatorError(AirlockError):
    """The emulator did not start; the message ends with the last lines of its log."""


@dataclass(frozen=True)
class Emulator:
    """A running emulator. It verifies the signatures of `access_key`, whose user may create and read a deployment."""

    endpoint: str
    region: str
    access_key: AccessKey
    child: ChildProcess
    log: Path
    root: IamAdmin = field(repr=False)

    async def users(self, settings: Settings, name: str = USER) -> dict[Pod, AccessKey]:
        """The access key of a user for each pod of a deployment: `name`-service, `name`-workers and `name`-operator.

        Each may do exactly what the role of its pod may do on AWS. Raises ProfileError and OSError.
        """
        profiles = read_profiles(settings.profiles)
        keys = await self.root.users(
            {f"{name}-{pod}": document(pod, settings, profiles, partition=PARTITION, account=ACCOUNT) for pod in PODS}
        )
        return {pod: keys[f"{name}-{pod}"] for pod in PODS}


@asynccontextmanager
async def running(*, port: int = 0, state: Path | None = None, region: str = REGION) -> AsyncIterator[Emulator]:
    """Start ministack on 127.0.0.1:`port` (0: any free one), and stop it at the end.

    With `state`, objects, records, messages and keys are kept in that folder when it is stopped; after a SIGKILL only
    objects are certain to be there. Raises EmulatorError.
    """
    if importlib.util.find_spec("ministack") is None:
        raise EmulatorError("the emulator is not installed: pip install ministack")
    folder = state or Path(tempfile.mkdtemp(prefix="airlock-emulator-"))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    root = AccessKey(f"root{secrets.token_hex(8)}", secrets.token_hex(20))
    ministack = _Ministack(folder, root, port or free_port(), region, keep=state is not None)
    try:
        child = await ministack.start()
        try:
            await ministack.until_ready(child)
            admin = IamAdmin(root, ministack.endpoint, region, _key_folder(folder))
            access_key = await admin.user(USER, POLICY)
            yield Emulator(ministack.endpoint, region, access_key, child, ministack.log, admin)
        finally:
            # With state, SIGKILL would lose the records.
            await child.stop(STOP_SECONDS if state else 0)
    finally:
        if state is None:
            shutil.rmtree(folder, ignore_errors=True)


def _key_folder(folder: Path) -> Path:
    keys = folder / "keys"
    keys.mkdir(exist_ok=True, mode=0o700)
    return keys


@dataclass(frozen=True)
class _Ministack:
    """How one ministack is started. `keep`: it writes its state to `folder` when it is stopped."""

    folder: Path
    root: AccessKey
    port: int
    region: str
    keep: bool

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "emulator.log"

    async def start(self) -> ChildProcess:
        with self.log.open("wb") as log:
            return await ChildProcess.start(
                "emulator",
                [sys.executable, "-m", "ministack"],
                env=self._environment(),
                output=log,
                # On SIGTERM ministack writes its state.
                parent_death_signal=signal.SIGTERM if self.keep else signal.SIGKILL,
            )

    def _environment(self) -> dict[str, str]:
        keep = "1" if self.keep else "0"
        return {
            **FIXED_ENVIRONMENT,
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_REGION": self.region,
            # Its health page returns this, which tells it from another program on this port.
            "MINISTACK_EDITION": self.root.access_key_id,
            "S3_PERSIST": keep,
            "S3_DATA_DIR": str(self.folder / "s3"),
            "PERSIST_STATE": keep,
            "STATE_DIR": str(self.folder / "services"),
            **self.root.environment(),
        }

    async def until_ready(self, child: ChildProcess) -> None:
        """Raises EmulatorError where it ends before, or is not ready in time."""
        try:
            async with asyncio.timeout(START_SECONDS), aiohttp.ClientSession() as session:
                while not await self._ready(session):
                    if not child.running:
                        raise EmulatorError(f"the emulator ended ({child.ending}):\n{_tail(self.log)}")
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            message = f"the emulator was not ready after {START_SECONDS:.0f} s:\n{_tail(self.log)}"
            raise EmulatorError(message) from None

    async def _ready(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(f"{self.endpoint}/_ministack/health") as response:
                health = await response.json()
        except (aiohttp.ClientError, ValueError):
            return False
        ours: bool = health.get("edition") == self.root.access_key_id
        return ours and bool(health["ready_scripts"]["status"] == "completed")


def _tail(log: Path, lines: int = 10) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
