"""Deployments that tests use one after the other: to make one costs half a second, to empty one a tenth of it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aws.clients import Clients, connect
from aws.settings import AwsSettings
from ops.dev.emulator import Emulator
from tests.coverage_pause import coverage_paused
from tests.deployment import provisioned, settings_for

PROFILES = """
[webhooks.billing]
url = "https://billing.example/hook"

[profiles.default]
content_types = ["*/*"]
unexamined = ["*/*"]
max_bytes = "1 KiB"
notify = ["sqs:{verdicts}", "webhook:billing"]
"""
# S3 sends notifications after it has answered. A deployment is used again when the last ones have surely arrived.
RESTING = 2


class Pool:
    """What `make` makes, used by one test at a time; `empty` empties it before the next test gets it."""

    def __init__(
        self, make: Callable[[], Awaitable[AwsSettings]], empty: Callable[[AwsSettings], Awaitable[None]]
    ) -> None:
        self.make = make
        self._empty = empty
        self._free: deque[AwsSettings] = deque()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[AwsSettings]:
        """An empty one, for as long as the context lasts."""
        if len(self._free) <= RESTING:
            taken = await self.make()
        else:
            taken = self._free.popleft()
            with coverage_paused():
                await self._empty(taken)
        yield taken
        self._free.append(taken)


def deployments(emulator: Emulator, folder: Path) -> Pool:
    """Deployments with the queues that `PROFILES` need. `folder` is for the profiles that they are made by."""

    async def make() -> AwsSettings:
        wanted, profiles = settings_for(emulator), folder / "profiles.toml"
        profiles.write_text(PROFILES.format(verdicts=verdict_queue(wanted)))
        await provisioned(wanted.model_copy(update={"profiles": profiles}))
        return wanted

    return Pool(make, emptied)


def verdict_queue(deployment: AwsSettings) -> str:
    """The name of the queue for the verdicts of a deployment of the pool."""
    return f"{deployment.queue}-verdicts"


async def emptied(deployment: AwsSettings) -> None:
    """Delete every object, message and record of a deployment of the pool."""
    buckets = (deployment.incoming_bucket, deployment.accepted_bucket, deployment.quarantine_bucket)
    received = (deployment.queue, deployment.dead_letter_queue, verdict_queue(deployment))
    queues = (*received, deployment.delivery_queue, deployment.undelivered_queue)
    async with connect(deployment) as clients:
        await asyncio.gather(
            *(_empty_bucket(clients.s3, bucket) for bucket in buckets),
            *(empty_queue(clients, queue) for queue in queues),
            empty_table(clients, deployment.table),
        )


async def _empty_bucket(s3: Any, bucket: str) -> None:
    for upload in (await s3.list_multipart_uploads(Bucket=bucket)).get("Uploads", ()):
        await s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    while True:
        page = await s3.list_object_versions(Bucket=bucket)
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        if not found:
            return
        objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        await s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})


async def empty_queue(clients: Clients, name: str) -> None:
    """Delete every message."""
    await clients.sqs.purge_queue(QueueUrl=(await clients.sqs.get_queue_url(QueueName=name))["QueueUrl"])


async def empty_table(clients: Clients, table: str) -> None:
    """Delete every item."""
    while True:
        page = await clients.dynamodb.scan(TableName=table, ProjectionExpression="id")
        if not page["Items"]:
            return
        for item in page["Items"]:
            await clients.dynamodb.delete_item(TableName=table, Key=item)
