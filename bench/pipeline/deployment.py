"""The deployments of the worker's benches: each in an emulator of its own, provisioned, with objects in incoming."""

import asyncio
import os
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import SecretStr

from airlock import keys, upload_id
from airlock.intent import PREFIX, Intent
from airlock.profiles import Profiles
from aws.clients import Clients, connect
from aws.settings import AwsSettings
from bench.pipeline import samples
from ops.dev import emulator
from ops.dev.emulator import Emulator
from ops.provision.command import provision
from ops.settings import Settings

ROOT = Path(__file__).parents[2]
OWNER = "bench"
CHECKS = ("size", "checksum", "media_type", "yara")


@dataclass(frozen=True)
class BenchDeployment:
    """A deployment in an emulator, clients that may do everything in it, and its profiles file."""

    settings: AwsSettings
    clients: Clients
    profiles: Path
    emulator: Emulator

    def environment(self) -> dict[str, str]:
        """The environment of the worker or the floor."""
        shared = AwsSettings.model_fields.keys() - {"secrets", "profiles"}
        own = self.settings.model_dump(exclude_none=True, include=shared)
        variables = {f"AIRLOCK_{name.upper()}": str(value) for name, value in own.items()}
        secret = self.settings.secrets[0].get_secret_value()
        return {
            **variables,
            **self.emulator.access_key.environment(),
            "AIRLOCK_SECRETS": secret,
            "AIRLOCK_PROFILES": str(self.profiles),
        }

    async def put(self, objects: Iterable[tuple[str, str, bytes]], profile: str) -> None:
        """Store objects (name, content type, bytes) with the metadata that a policy of ours writes."""
        slots = asyncio.Semaphore(8)

        async def one(name: str, kind: str, content: bytes) -> None:
            async with slots:
                key, metadata = self._identity(name, kind, len(content), profile)
                await self.clients.s3.put_object(
                    Bucket=self.settings.incoming_bucket, Key=key, Body=content, ContentType=kind, Metadata=metadata
                )

        await asyncio.gather(*(one(*item) for item in objects))

    async def put_large(self, size: int) -> None:
        """Store one gzip file of `size` bytes in parts."""
        await self.put_parts("backup.gz", "application/gzip", "archives", size, samples.large(size))

    async def put_parts(self, name: str, kind: str, profile: str, size: int, content: Iterable[bytes]) -> None:
        """Store one object of `size` bytes in parts, with the metadata that a policy of ours writes."""
        s3, bucket = self.clients.s3, self.settings.incoming_bucket
        key, metadata = self._identity(name, kind, size, profile)
        made = await s3.create_multipart_upload(Bucket=bucket, Key=key, ContentType=kind, Metadata=metadata)
        parts: list[Any] = []
        for number, part in enumerate(content, 1):
            stored = await s3.upload_part(
                Bucket=bucket, Key=key, UploadId=made["UploadId"], PartNumber=number, Body=part
            )
            parts.append({"ETag": stored["ETag"], "PartNumber": number})
        await s3.complete_multipart_upload(
            Bucket=bucket, Key=key, UploadId=made["UploadId"], MultipartUpload={"Parts": parts}
        )

    def _identity(self, name: str, kind: str, size: int, profile: str) -> tuple[str, dict[str, str]]:
        secret = self.settings.secrets[0].get_secret_value().encode()
        minted = upload_id.mint(secrets.token_bytes(8), int(time.time()), 900, OWNER, [secret])
        fields = Intent(OWNER, profile, name, kind, size).to_fields()
        metadata = {field.removeprefix(PREFIX): value for field, value in fields.items() if field.startswith(PREFIX)}
        return keys.incoming(self.settings.incoming_prefix, minted.text), metadata

    async def take_messages(self, count: int) -> list[str]:
        """Take `count` notifications off the queue, so that a run can begin with all of them at once."""
        bodies: list[str] = []
        url = await self.queue_url(self.settings.queue)
        while len(bodies) < count:
            answer = await self.clients.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2)
            messages = answer.get("Messages", [])
            bodies += [message["Body"] for message in messages if "Records" in orjson.loads(message["Body"])]
            for message in messages:
                await self.clients.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    async def send_messages(self, bodies: list[str]) -> None:
        url = await self.queue_url(self.settings.queue)
        for start in range(0, len(bodies), 10):
            entries: list[Any] = [
                {"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies[start : start + 10])
            ]
            await self.clients.sqs.send_message_batch(QueueUrl=url, Entries=entries)

    async def until_settled(self, seconds: float) -> None:
        """Wait until the queue holds nothing, neither visible nor in flight."""
        url = await self.queue_url(self.settings.queue)
        end = time.monotonic() + seconds
        names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        while time.monotonic() < end:
            answer = await self.clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
            if not any(int(answer["Attributes"][name]) for name in names):
                return
            await asyncio.sleep(0.05)
        raise RuntimeError(f"messages were left after {seconds} s")

    async def queue_url(self, name: str) -> str:
        return (await self.clients.sqs.get_queue_url(QueueName=name))["QueueUrl"]

    async def count_accepted(self) -> int:
        pages = self.clients.s3.get_paginator("list_objects_v2").paginate(Bucket=self.settings.accepted_bucket)
        return sum([page["KeyCount"] async for page in pages])


def settings_in(running: Emulator, folder: Path) -> Settings:
    """Settings of a new deployment in an emulator, with the shipped profiles, reduced to `CHECKS`."""
    profiles = folder / "profiles.json"
    shipped = Profiles.load((ROOT / "airlock.toml").read_text())
    kept = {
        name: profile.model_copy(update={"checks": CHECKS, "unexamined": ("*/*",)})
        for name, profile in shipped.profiles.items()
    }
    profiles.write_text(shipped.model_copy(update={"profiles": kept}).to_json())
    run = secrets.token_hex(4)
    return Settings(
        region=running.region,
        endpoint_url=running.endpoint,
        addressing="path",
        incoming_bucket=f"incoming-{run}",
        accepted_bucket=f"accepted-{run}",
        quarantine_bucket=f"quarantine-{run}",
        table=f"uploads-{run}",
        queue=f"objects-{run}",
        dead_letter_queue=f"dead-letters-{run}",
        profiles=profiles,
        secrets=[SecretStr(secrets.token_urlsafe(32))],
    )


@contextmanager
def credentials(running: Emulator) -> Iterator[None]:
    """Set the emulator's access key in the environment, where the credential chain finds it."""
    os.environ.update(running.access_key.environment())
    try:
        yield
    finally:
        for name in running.access_key.environment():
            del os.environ[name]


@asynccontextmanager
async def deployed(change_profiles: Callable[[Path], None] | None = None) -> AsyncIterator[BenchDeployment]:
    """A new deployment in a new emulator; `change_profiles` may rewrite its profiles file before it is provisioned."""
    with tempfile.TemporaryDirectory() as folder:
        async with emulator.running() as running:
            settings = settings_in(running, Path(folder))
            if change_profiles:
                change_profiles(settings.profiles)
            with credentials(running):
                async with connect(settings) as clients:
                    async for _ in provision(settings):
                        pass
                    yield BenchDeployment(settings, clients, settings.profiles, running)
