"""The worker harness: a deployment, a way to store objects as a policy of ours would, workers, and what they did."""

import asyncio
import contextlib
import functools
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import workers.__main__
from airlock import keys, upload_id
from airlock.events import ObjectCreated, withdrawal
from airlock.intent import PREFIX, Intent
from airlock.profiles import Profiles
from aws.clients import connect
from aws.dynamodb.records import Location, Record
from aws.s3.objects import Objects
from aws.settings import AwsSettings
from tests.coverage_pause import coverage_paused
from tests.deployment import connected_as, keys_of
from tests.deployment_pool import verdict_queue
from tests.workers.deployment_reader import DeploymentReader, Sent
from workers.__main__ import work
from workers.deliveries import signing_secrets
from workers.inspection import catalogue
from workers.inspection.checks.port import Check
from workers.intake.admission import Admission
from workers.intake.arrival import Arrival
from workers.settings import Settings

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + bytes(64)
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"

PROFILES = """
[profiles.default]
content_types = ["*/*"]
unexamined = ["*/*"]
max_bytes = "64 MiB"
min_bytes = "0 B"
checks = ["size", "checksum", "media_type", "yara"]
metadata = ["reference"]
notify = ["sqs:{verdicts}"]

[profiles.scanned]
content_types = ["*/*"]
unexamined = ["*/*"]
max_bytes = "64 MiB"
checks = ["size", "checksum", "clamd"]
notify = ["sqs:{verdicts}"]

[profiles.strict]
content_types = ["image/png"]
unexamined = ["*/*"]
max_bytes = "1 KiB"
checks = ["size", "checksum", "media_type", "yara"]

[profiles.strict.outcomes]
rejected = "quarantine"
infected = "delete"
"""


def accepted_at(record: Record) -> Location:
    """Where the accepted bytes are. Fails where the record does not say that they were accepted."""
    assert record.place == "accepted"
    assert record.location
    return record.location


@dataclass(frozen=True)
class WorkerHarness(DeploymentReader):
    """A deployment, and clients that may do everything in it."""

    @property
    def secret(self) -> bytes:
        return self.settings.secrets[0].get_secret_value().encode()

    @property
    def profiles(self) -> Profiles:
        return Profiles.load(self.settings.profiles.read_text())

    def checks(self, settings: Settings | None = None) -> Mapping[str, Check]:
        """The checks of all profiles, less clamd where none is configured."""
        used = settings or self.settings
        return catalogue.build(self.profiles if used.clamd else self.profiles.without_check("clamd"), used, time.time)

    def need_no_clamd(self) -> None:
        """Take clamd out of the profiles' checks: the real program does not start without it."""
        path = self.settings.profiles
        path.write_text(path.read_text().replace('"checksum", "clamd"]', '"checksum"]'))

    @contextlib.asynccontextmanager
    async def working(
        self, checks: Mapping[str, Check] | None = None, **changes: Any
    ) -> AsyncIterator["asyncio.Task[None]"]:
        """A worker in this process, as a user who has the worker's permissions alone; leaving stops and drains it.

        The task yielded is the worker.
        """
        settings = self.settings.model_copy(update=changes)
        stop = asyncio.Event()
        used = self.checks(settings) if checks is None else checks
        connect_as_worker = functools.partial(connected_as, keys_of("workers", self.settings))
        with mock.patch.object(workers.__main__, "connect", connect_as_worker):
            signing = signing_secrets.load(self.profiles, settings.webhook_secrets)
            task = asyncio.create_task(work(settings, self.profiles, used, signing, stop))
            try:
                yield task
            finally:
                stop.set()
                await task

    def environment(self, **changes: str) -> dict[str, str]:
        """The environment of `python -m workers`, with the keys of its user."""
        own = self.settings.model_dump(exclude_none=True, exclude={"secrets"})
        variables = {f"AIRLOCK_{name.upper()}": str(value) for name, value in own.items()}
        keys = keys_of("workers", self.settings).environment()
        return {**variables, **keys, "AIRLOCK_SECRETS": self.secret.decode(), **changes}

    def mint(self, owner: str = "alice") -> str:
        """The text of a new upload id."""
        return upload_id.mint(secrets.token_bytes(8), int(time.time()), 900, owner, [self.secret]).text

    async def put(self, body: bytes, *, upload: str | None = None, **intent: Any) -> Sent:
        """Store an object with the metadata that a policy of ours writes: `intent` overrides `Intent`'s fields."""
        described: dict[str, Any] = {
            "owner": "alice",
            "profile": "default",
            "filename": "photo.png",
            "content_type": "image/png",
            **intent,
        }
        intended = Intent(**described)
        upload = upload or self.mint(intended.owner)
        fields = intended.to_fields()
        metadata = {name.removeprefix(PREFIX): value for name, value in fields.items() if name.startswith(PREFIX)}
        return await self.put_raw(body, upload, metadata, intended.content_type)

    async def put_raw(self, body: bytes, upload: str, metadata: dict[str, str], content_type: str) -> Sent:
        """Store an object in incoming with any metadata."""
        key = keys.incoming(self.settings.incoming_prefix, upload)
        answer = await self.clients.s3.put_object(
            Bucket=self.settings.incoming_bucket, Key=key, Body=body, ContentType=content_type, Metadata=metadata
        )
        return Sent(upload, key, answer["VersionId"], answer["ETag"].strip('"'), len(body))

    async def arrival(self, sent: Sent) -> Arrival:
        """A stored object as a worker admits it; its body is closed."""
        bucket, prefix = self.settings.incoming_bucket, self.settings.incoming_prefix
        admission = Admission(Objects(self.clients.s3), bucket, prefix, self.profiles, [self.secret])
        event = ObjectCreated(bucket, sent.key, sent.version_id, sent.etag, sent.size, "01")
        async with admission.admit(event) as arrival:
            return arrival

    async def withdraw(self, upload: str) -> None:
        """Withdraw as the service does: mark the record, then send the worker a message."""
        await self.records.withdraw(upload, time.time())
        await self.send(withdrawal(upload))

    def notification(self, *sent: Sent, bucket: str | None = None) -> str:
        """S3's message about objects that were stored."""
        records = [
            {
                "eventName": "ObjectCreated:Post",
                "s3": {
                    "bucket": {"name": bucket or self.settings.incoming_bucket},
                    "object": {
                        "key": each.key,
                        "size": each.size,
                        "eTag": each.etag,
                        "versionId": each.version_id,
                        "sequencer": "01",
                    },
                },
            }
            for each in sent
        ]
        return json.dumps({"Records": records})

    async def send(self, body: str, queue: str | None = None) -> None:
        """Put a message on the worker's queue."""
        url = await self._url(queue or self.settings.queue)
        await self.clients.sqs.send_message(QueueUrl=url, MessageBody=body)


@contextlib.asynccontextmanager
async def harness_in(
    deployment: AwsSettings, folder: Path, profiles_text: str | None = None, **own: Any
) -> AsyncIterator[WorkerHarness]:
    """A harness in a deployment of the pool, with `PROFILES` or other profiles; `own` are settings of the worker."""
    verdicts = verdict_queue(deployment)
    profiles = folder / "profiles.toml"
    profiles.write_text(profiles_text or PROFILES.format(verdicts=verdicts))
    settings = Settings(**{**deployment.model_dump(), "profiles": profiles, "poll_seconds": 0, **own})
    async with contextlib.AsyncExitStack() as stack:
        with coverage_paused():
            clients = await stack.enter_async_context(connect(settings))
        yield WorkerHarness(settings, clients, verdicts)
