"""Helpers of the tests of rescans: new rules, rescanned uploads, and a worker that ends at any of its calls."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from airlock import events
from airlock.lifecycle import State
from aws.dynamodb.records import Record
from aws.sqs.queue import Queue
from tests.workers.harness import PNG, WorkerHarness
from workers.assembly import assemble
from workers.inspection.inspector import Inspector

NOW = datetime(2030, 1, 1, tzinfo=UTC)
BAD = PNG + b"new malware"
RULE = 'rule late { strings: $a = "new malware" condition: $a }\n'
WEAK = 'rule weak { meta: outcome = "rejected" strings: $a = "new malware" condition: $a }\n'


def renew(harness: WorkerHarness, rule: str = RULE) -> None:
    """Add a rule to the folder of the harness."""
    assert harness.settings.yara_rules
    (harness.settings.yara_rules / "late.yar").write_text(rule)


async def accepted(harness: WorkerHarness, *bodies: bytes, **intent: Any) -> list[Record]:
    """The records of new accepted uploads, whose events were received."""
    async with harness.working():
        sent = [await harness.put(body, **intent) for body in bodies]
        records = [await harness.settled(each) for each in sent]
        await harness.idle()
    assert {record.state for record in records} == {State.ACCEPTED}
    if harness.profiles.get(records[0].profile).notify:
        await harness.events(len(bodies))
    return records


async def rescanned(harness: WorkerHarness, *records: Record, times: int = 1) -> list[Record]:
    """The records after a worker with the present rules has worked on all messages."""
    for record in records * times:
        await harness.send(events.rescan(record.id))
    async with harness.working():
        await harness.idle()
    return [await record_of(harness, record.id) for record in records]


async def record_of(harness: WorkerHarness, upload: str) -> Record:
    record = await harness.records.get(upload)
    assert record is not None
    return record


async def events_by_id(harness: WorkerHarness) -> dict[str, list[dict[str, Any]]]:
    """The events that were published and not yet received; several of one id are repetitions."""
    by_id: dict[str, list[dict[str, Any]]] = {}
    for event in await harness.events(0):
        by_id.setdefault(event["id"], []).append(event)
    return by_id


class Interrupted(Exception):
    """The worker ended here."""


class InterruptibleParts:
    """A revision, a rescan and an executor. After `left` calls the next one raises Interrupted."""

    def __init__(self, harness: WorkerHarness, queue: Queue, inspector: Inspector, left: int) -> None:
        self.left = left
        self.calls: list[str] = []
        later = NOW + timedelta(hours=1)
        parts = assemble(harness.settings, harness.profiles, harness.clients, queue, later.timestamp)
        watched: dict[Any, tuple[str, ...]] = {
            parts.objects: ("describe", "promote", "versions", "delete_versions"),
            parts.records: ("get", "begin_change", "change", "end_change", "rescanned"),
            inspector: ("inspect",),
            queue: ("send",),
        }
        for owner, names in watched.items():
            for name in names:
                setattr(owner, name, self._watched(name, getattr(owner, name)))
        self.revision = parts.revision
        self.rescan = parts.rescan(inspector)
        self.executor = parts.executor(inspector, max_attempts=1)

    def _watched(self, name: str, real: Any) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            if not self.left:
                raise Interrupted
            self.left -= 1
            self.calls.append(name)
            return await real(*args, **kwargs)

        return call


@contextlib.asynccontextmanager
async def parts_of(harness: WorkerHarness, left: int = 1000) -> AsyncIterator[InterruptibleParts]:
    inspector = Inspector(harness.checks(), NOW.timestamp)
    try:
        async with Queue.open(harness.settings, harness.clients) as queue:
            yield InterruptibleParts(harness, queue, inspector, left)
    finally:
        await inspector.close()
