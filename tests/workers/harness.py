"""The worker harness: a deployment, a way to store objects as a policy of ours would, workers, and what they did."""

import asyncio
import contextlib
import functools
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import workers.__main__
from airlock import keys, upload_id
from airlock.events import ObjectCreated, withdrawal
from airlock.intent import PREFIX, Intent
from airlock.lifecycle import TERMINAL
from airlock.profiles import Profiles
from aws.clients import Clients, connect
from aws.dynamodb.records import Location, Record, Records
from aws.s3.objects import Objects
from aws.settings import AwsSettings
from tests.deployment import connected_as, keys_of
from tests.deployment_pool import verdict_queue
from workers.__main__ import work
from workers.deliveries import signing_secrets
from workers.inspection import catalogue
from workers.inspection.checks.port import Check
from workers.intake.admission import Admission
from workers.intake.arrival import Arrival
from workers.settings import Settings

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + bytes(64)
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
POLL = 0.02
TIMEOUT = 60.0

PROFILES = """
[profiles.default]
content_types = ["*/*"]
max_bytes = "64 MiB"
min_bytes = "0 B"
checks = ["size", "checksum", "media_type", "yara"]
metadata = ["reference"]
notify = ["sqs:{verdicts}"]

[profiles.scanned]
content_types = ["*/*"]
max_bytes = "64 MiB"
checks = ["size", "checksum", "clamd"]
notify = ["sqs:{verdicts}"]

[profiles.strict]
content_types = ["image/png"]
max_bytes = "1 KiB"
checks = ["size", "checksum", "media_type", "yara"]

[profiles.strict.outcomes]
rejected = "quarantine"
infected = "delete"
"""


@dataclass(frozen=True)
class Sent:
    """An object that was stored in incoming."""

    upload: str
    key: str
    version_id: str
    etag: str
    size: int


def accepted_at(record: Record) -> Location:
    """Where the accepted bytes are. Fails where the record does not say that they were accepted."""
    assert record.place == "accepted"
    assert record.location
    return record.location


@dataclass(frozen=True)
class WorkerHarness:
    """A deployment, and clients that may do everything in it."""

    settings: Settings
    clients: Clients
    verdicts: str

    @property
    def records(self) -> Records:
        return Records(self.clients.dynamodb, self.settings.table)

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

    async def withdraw(self, upload: str, owner: str = "alice") -> None:
        """Withdraw as the service does: mark the record, then send the worker a message."""
        await self.records.withdraw(upload, owner, time.time())
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

    async def settled(self, sent: Sent | str) -> Record:
        """The record, once the upload is in a state that does not change by itself."""
        upload = sent if isinstance(sent, str) else sent.upload
        return await self.recorded(upload, lambda record: record.state in TERMINAL)

    async def recorded(self, upload: str, wanted: Callable[[Record], bool]) -> Record:
        """The record, once it is as wanted."""
        async with asyncio.timeout(TIMEOUT):
            while True:
                record = await self.records.get(upload)
                if record is not None and wanted(record):
                    return record
                await asyncio.sleep(POLL)

    async def idle(self, queue: str | None = None) -> None:
        """Wait until a queue holds nothing, neither visible nor hidden."""
        names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        url = await self._url(queue or self.settings.queue)
        async with asyncio.timeout(TIMEOUT):
            while True:
                answer = await self.clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
                if not any(int(answer["Attributes"][name]) for name in names):
                    return
                await asyncio.sleep(POLL)

    async def events(self, at_least: int = 1) -> list[dict[str, Any]]:
        """The verdict events that were published and not yet taken, once there are enough."""
        return [json.loads(message["Body"]) for message in await self._take(self.verdicts, at_least)]

    async def dead_letters(self, at_least: int = 1) -> dict[str, str]:
        """Reasons, by the body of the dead letter."""
        taken = await self._take(self.settings.dead_letter_queue, at_least)
        return {message["Body"]: message["MessageAttributes"]["airlock-reason"]["StringValue"] for message in taken}

    async def versions(self, bucket: str, key: str = "") -> list[tuple[str, str]]:
        """(key, version id) of everything in a bucket."""
        answer = await self.clients.s3.list_object_versions(Bucket=bucket, Prefix=key)
        found = [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]
        return [(item["Key"], item["VersionId"]) for item in found]

    async def incoming(self) -> list[tuple[str, str]]:
        return await self.versions(self.settings.incoming_bucket)

    async def accepted(self) -> dict[str, bytes]:
        """What accepted holds now: bytes by key."""
        bucket = self.settings.accepted_bucket
        listed = await self.clients.s3.list_objects_v2(Bucket=bucket)
        return {item["Key"]: await self.read(bucket, item["Key"]) for item in listed.get("Contents", [])}

    async def read(self, bucket: str, key: str, version_id: str | None = None) -> bytes:
        pinned: dict[str, Any] = {"VersionId": version_id} if version_id else {}
        answer = await self.clients.s3.get_object(Bucket=bucket, Key=key, **pinned)
        async with answer["Body"] as stream:
            return await stream.read()

    async def _take(self, queue: str, at_least: int) -> list[Any]:
        url = await self._url(queue)
        taken: list[Any] = []
        async with asyncio.timeout(TIMEOUT):
            while True:
                answer = await self.clients.sqs.receive_message(
                    QueueUrl=url,
                    MaxNumberOfMessages=10,
                    MessageAttributeNames=["All"],
                    WaitTimeSeconds=1 if len(taken) < at_least else 0,
                )
                messages = answer.get("Messages", [])
                if not messages and len(taken) >= at_least:
                    return taken
                for message in messages:
                    await self.clients.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                taken += messages

    async def _url(self, name: str) -> str:
        return (await self.clients.sqs.get_queue_url(QueueName=name))["QueueUrl"]


@contextlib.asynccontextmanager
async def harness_in(
    deployment: AwsSettings, folder: Path, profiles_text: str | None = None, **own: Any
) -> AsyncIterator[WorkerHarness]:
    """A harness in a deployment of the pool, with `PROFILES` or other profiles; `own` are settings of the worker."""
    verdicts = verdict_queue(deployment)
    profiles = folder / "profiles.toml"
    profiles.write_text(profiles_text or PROFILES.format(verdicts=verdicts))
    settings = Settings(**{**deployment.model_dump(), "profiles": profiles, "poll_seconds": 1, **own})
    async with connect(settings) as clients:
        yield WorkerHarness(settings, clients, verdicts)
