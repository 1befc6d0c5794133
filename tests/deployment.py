"""An emulator that is proved to refuse forged signatures, and deployments in it."""

import os
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from pydantic import SecretStr

from aws.clients import Clients, connect
from aws.settings import AwsSettings
from ops import settings
from ops.dev import emulator
from ops.dev.emulator import Emulator
from ops.dev.users import AccessKey
from ops.iam.policies import Pod
from ops.provision.command import provision
from tests.coverage_pause import coverage_paused

ROOT = Path(__file__).parent.parent
S3_CONFIG = AioConfig(signature_version="s3v4", s3={"addressing_style": "path"})
# By endpoint, and by incoming bucket: no two deployments share one.
_RUNNING: dict[str, Emulator] = {}
_USERS: dict[str, dict[Pod, AccessKey]] = {}


def unmeasured() -> dict[str, str]:
    """The environment for a program that is not part of the product.

    Coverage would trace it for three times its CPU time and keep nothing of it.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


class EnforcementOffError(Exception):
    """The emulator stores what a forged policy brings, so that no test against it would prove anything."""


@asynccontextmanager
async def ministack() -> AsyncIterator[Emulator]:
    """A running ministack that refused a forged signature and accepted the true one.

    Raises EnforcementOffError, or EmulatorError when it does not start.
    """
    async with emulator.running() as running:
        await _refuses_forgery(running)
        _RUNNING[running.endpoint] = running
        try:
            yield running
        finally:
            del _RUNNING[running.endpoint]


def settings_for(running: Emulator) -> AwsSettings:
    """Settings of a deployment with names of its own in `running`; nothing is created."""
    run = secrets.token_hex(4)
    return AwsSettings(
        region=running.region,
        endpoint_url=running.endpoint,
        addressing="path",
        incoming_bucket=f"incoming-{run}",
        accepted_bucket=f"accepted-{run}",
        quarantine_bucket=f"quarantine-{run}",
        table=f"uploads-{run}",
        queue=f"objects-{run}",
        dead_letter_queue=f"dead-letters-{run}",
        delivery_queue=f"deliveries-{run}",
        undelivered_queue=f"undelivered-{run}",
        profiles=ROOT / "airlock.toml",
        secrets=[SecretStr(secrets.token_urlsafe(32))],
    )


async def provisioned(unprovisioned: AwsSettings, cors_origins: Sequence[str] = ()) -> AwsSettings:
    """The same settings, once all that they name exists. May be called again with other origins or profiles.

    Each pod has a user of its own, with exactly the permissions of its role on AWS: see `keys_of`.
    """
    wanted = settings.Settings(**{**unprovisioned.model_dump(), "cors_origins": list(cors_origins)})
    running = _RUNNING[unprovisioned.endpoint_url or ""]
    with coverage_paused():
        async for _ in provision(wanted):
            pass
        _USERS[unprovisioned.incoming_bucket] = await running.users(wanted, name=unprovisioned.incoming_bucket)
    return unprovisioned


def keys_of(pod: Pod, deployment: AwsSettings) -> AccessKey:
    """The keys of the user that a pod runs as in a provisioned deployment."""
    return _USERS[deployment.incoming_bucket][pod]


@asynccontextmanager
async def connected_as(keys: AccessKey, deployment: AwsSettings, **options: Any) -> AsyncIterator[Clients]:
    """`aws.clients.connect` with these keys; the AWS credential chain reads them from the environment."""
    async with AsyncExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in keys.environment().items():
                patch.setenv(name, value)
            with coverage_paused():
                clients = await stack.enter_async_context(connect(deployment, **options))
        yield clients


async def _refuses_forgery(running: Emulator) -> None:
    async with get_session().create_client(
        "s3",
        region_name=running.region,
        endpoint_url=running.endpoint,
        aws_access_key_id=running.access_key.access_key_id,
        aws_secret_access_key=running.access_key.secret_access_key,
        config=S3_CONFIG,
    ) as s3:
        bucket = f"forgery-{secrets.token_hex(4)}"
        await s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": emulator.REGION})
        policy = await s3.generate_presigned_post(bucket, "probe")
    true = policy["fields"]
    statuses = [await _post(policy["url"], fields) for fields in (forged(true), true)]
    if statuses != [403, 204]:
        raise EnforcementOffError(f"a forged policy and a true one were answered {statuses}, not [403, 204]")


def forged(fields: dict[str, str]) -> dict[str, str]:
    """The same form fields with another signature of the right shape."""
    signature = fields["x-amz-signature"]
    return {**fields, "x-amz-signature": signature[::-1].translate(str.maketrans("0f", "f0"))}


async def _post(url: str, fields: dict[str, str]) -> int:
    form = aiohttp.FormData(fields)
    form.add_field("file", b"bytes", filename="probe")
    async with aiohttp.ClientSession() as session, session.post(url, data=form) as response:
        return response.status
