"""The deployment of one run, in which S3 sends its notifications to a queue of its own, not to that of the workers."""

import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airlock import upload_id
from aws.clients import connect
from aws.settings import AwsSettings
from ops.dev.emulator import Emulator
from ops.provision.command import provision
from ops.settings import Settings as ProvisionSettings
from tests.chaos.plan import FILE_KINDS, Planned
from tests.deployment import provisioned, settings_for
from tests.workers.deployment_reader import Sent
from tests.workers.harness import WorkerHarness
from workers.settings import Settings

LIFETIME = 7200
# The limit is never reached; it makes the workers count accepted bytes.
PROFILES = """
[quotas.owner]
accepted_bytes_per_day = "1 TiB"

[profiles.default]
content_types = ["*/*"]
unexamined = ["*/*"]
max_bytes = "1 MiB"
checks = ["size", "checksum", "media_type", "yara", "clamd", "image", "archive"]
notify = ["sqs:{verdicts}"]
"""
# Messages of a killed worker are visible again after 8 s; a worker that drains cancels what takes longer than 5 s.
WORKER = {
    "visibility": 8,
    "drain_seconds": 5,
    "poll_seconds": 2,
    # Lost receives and killed workers are frequent here, and each counts as an attempt. At 10 receives SQS moves a
    # message to the dead letters by itself.
    "max_attempts": 8,
    "clamd_descriptors": False,
}


@dataclass(frozen=True)
class ChaosDeployment:
    """A deployment without workers, and the queue to which S3 sends."""

    harness: WorkerHarness
    notifications: str
    began: int

    def name(self, planned: Planned) -> str:
        """The text of the upload id of a planned upload."""
        return upload_id.mint(planned.token, self.began, LIFETIME, planned.owner, [self.harness.secret]).text

    async def put(self, planned: Planned, body: bytes) -> Sent:
        """Store one body as a planned upload."""
        kind = FILE_KINDS[planned.kind]
        return await self.harness.put(
            body,
            upload=self.name(planned),
            owner=planned.owner,
            filename=kind.filename,
            content_type=kind.content_type,
        )

    async def url(self, queue: str) -> str:
        return (await self.harness.clients.sqs.get_queue_url(QueueName=queue))["QueueUrl"]

    async def waiting(self, queue: str) -> int:
        """How many messages a queue holds, with the hidden ones."""
        names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = await self.harness.clients.sqs.get_queue_attributes(
            QueueUrl=await self.url(queue), AttributeNames=names
        )
        return sum(int(answer["Attributes"][name]) for name in names)


@contextlib.asynccontextmanager
async def opened(emulator: Emulator, folder: Path, clamd: str, now: float) -> AsyncIterator[ChaosDeployment]:
    """A new deployment in the emulator; `now` in seconds since the epoch."""
    run = secrets.token_hex(4)
    profiles = folder / "profiles.toml"
    profiles.write_text(PROFILES.format(verdicts=f"verdicts-{run}"))
    shared = {**settings_for(emulator).model_dump(), "profiles": profiles}
    await provisioned(AwsSettings(**shared))
    # Provisioned once more with another queue, the bucket notifies that one. Its dead-letter queue is not used.
    between = f"notifications-{run}"
    async for _ in provision(ProvisionSettings(**{**shared, "queue": between, "dead_letter_queue": f"unread-{run}"})):
        pass
    settings = Settings(**{**shared, **WORKER, "clamd": clamd})
    async with connect(settings) as clients:
        yield ChaosDeployment(WorkerHarness(settings, clients, f"verdicts-{run}"), between, int(now))
