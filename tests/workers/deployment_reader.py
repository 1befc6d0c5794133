"""What is in a deployment: records, objects, events and dead letters, and waiting until a worker has done its work."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airlock.lifecycle import TERMINAL
from aws.clients import Clients
from aws.dynamodb.records import Record, Records
from workers.settings import Settings

POLL = 0.05
TIMEOUT = 60.0


@dataclass(frozen=True)
class Sent:
    """An object that was stored in incoming."""

    upload: str
    key: str
    version_id: str
    etag: str
    size: int


@dataclass(frozen=True)
class DeploymentReader:
    """Reads a deployment with `clients`. `verdicts` is the queue to which verdict events are published."""

    settings: Settings
    clients: Clients
    verdicts: str

    @property
    def records(self) -> Records:
        return Records(self.clients.dynamodb, self.settings.table)

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
        """Wait until a queue holds nothing, neither visible nor hidden nor delayed."""
        counted = ("", "NotVisible", "Delayed")
        names: list[Any] = [f"ApproximateNumberOfMessages{each}" for each in counted]
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
