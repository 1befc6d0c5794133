"""The stack that tests run against: a ministack that refuses forgeries, and places of their own in it."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from pydantic import SecretStr

from aws.settings import AwsSettings
from ops import emulator, settings
from ops.emulator import Emulator
from ops.provision import provision

ROOT = Path(__file__).parent.parent
S3_CONFIG = AioConfig(signature_version="s3v4", s3={"addressing_style": "path"})


class EnforcementOffError(Exception):
    """The emulator stores what a forged policy brings: nothing tested against it would be proof."""


@asynccontextmanager
async def ministack() -> AsyncIterator[Emulator]:
    """A running ministack that was seen to refuse a forged signature and to take the true one.

    Raises EnforcementOffError, or EmulatorError when it does not start.
    """
    async with emulator.running() as running:
        await _refuses_forgery(running)
        yield running


def settings_for(running: Emulator) -> AwsSettings:
    """Settings that name places nobody uses yet in `running`; nothing is created."""
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
        profiles=ROOT / "airlock.toml",
        secrets=[SecretStr(secrets.token_urlsafe(32))],
    )


async def provisioned(places: AwsSettings, cors_origins: Sequence[str] = ()) -> AwsSettings:
    """The same settings, once all that they name is there. May be called again with other origins."""
    wanted = settings.Settings(**{**places.model_dump(), "cors_origins": list(cors_origins)})
    async for _ in provision(wanted):
        pass
    return places


async def _refuses_forgery(running: Emulator) -> None:
    async with get_session().create_client(
        "s3",
        region_name=running.region,
        endpoint_url=running.endpoint,
        aws_access_key_id=running.keys.access_key_id,
        aws_secret_access_key=running.keys.secret_access_key,
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
