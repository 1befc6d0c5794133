"""The deployment of one run: S3's notifications go to a queue of the run's own, which stands before the workers'."""

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
from ops.settings import Settings as Wanted
from tests.chaos.plan import KINDS, Planned
from tests.deployment import provisioned, settings_for
from tests.workers.harness import Sent, WorkerHarness
from workers.settings import Settings

LIFETIME = 7200
# A limit that nobody reaches: so that accepted bytes are counted.
PROFILES = """
[quotas.owner]
accepted_bytes_per_day = "1 TiB"

[profiles.default]
content_types = ["*/*"]
max_bytes = "1 MiB"
checks = ["size", "checksum", "media_type", "yara", "clamd", "image", "archive"]
notify = ["sqs:{verdicts}"]
"""
# A worker that was killed is missed after 8 s, and one that drains breaks off what takes longer than 5.
WORKER = {
    "visibility": 8,
    "drain_seconds": 5,
    "poll_seconds": 2,
    # A receive that was lost, or a worker that was killed, counts as an attempt here, and both happen all the time.
    # It stays below 10, at which SQS moves a message itself.
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
        kind = KINDS[planned.kind]
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
        """How many messages a queue holds, hidden ones among them."""
        names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = await self.harness.clients.sqs.get_queue_attributes(
            QueueUrl=await self.url(queue), AttributeNames=names
        )
        return sum(int(answer["Attributes"][name]) for name in names)


@contextlib.asynccontextmanager
async def opened(emulator: Emulator, folder: Path, clamd: str, now: float) -> AsyncIterator[ChaosDeployment]:
    """A place of the run's own in `stack`; `now` in seconds since the epoch."""
    run = secrets.token_hex(4)
    profiles = folder / "profiles.toml"
    profiles.write_text(PROFILES.format(verdicts=f"verdicts-{run}"))
    shared = {**settings_for(emulator).model_dump(), "profiles": profiles}
    await provisioned(AwsSettings(**shared))
    # Provisioned once more with another queue, the bucket tells that one; its own dead letters are nobody's.
    between = f"notifications-{run}"
    async for _ in provision(Wanted(**{**shared, "queue": between, "dead_letter_queue": f"unread-{run}"})):
        pass
    settings = Settings(**{**shared, **WORKER, "clamd": clamd})
    async with connect(settings) as clients:
        yield ChaosDeployment(WorkerHarness(settings, clients, f"verdicts-{run}"), between, int(now))
