"""A revision that a test interrupts before or after one of its calls."""

from dataclasses import replace
from typing import Any

from airlock.lifecycle import State
from airlock.verdict import Finding, Outcome
from aws.dynamodb.records import Record
from aws.sqs.queue import Queue
from tests.workers.deployment_reader import Sent
from tests.workers.harness import EICAR, PNG, WorkerHarness
from workers.assembly import assemble
from workers.settlement.revision import Revision

REASON = "a test file that we know"
LATE = Finding(code="signature_match", check="clamd", outcome=Outcome.INFECTED, message="newer signatures match")

Boundary = tuple[str, str]
"""`before` or `after`, and the name of a call."""
CALLS = ("begin_change", "promote", "change", "publish", "delete_versions", "end_change")
BOUNDARIES: list[Boundary] = [(when, name) for name in CALLS for when in ("before", "after")]


class Interrupted(Exception):
    """The process ended here."""


class InterruptibleRevision:
    """Releases and revokes, and raises Interrupted at the boundary `interrupted_at`.

    `calls` are those that were made, `counted` the uploads whose accepted bytes were counted.
    """

    def __init__(self, harness: WorkerHarness, queue: Queue) -> None:
        parts = assemble(harness.settings, harness.profiles, harness.clients, queue, lambda: 1_800_000_000)
        self.objects = parts.objects
        self.counted: list[str] = []
        self.calls: list[str] = []
        self.interrupted_at: Boundary | None = None
        self._harness = harness
        effects = replace(parts.effects, count_accepted=self._count)
        watched = (parts.records, "begin_change", "change", "end_change"), (parts.objects, "promote", "delete_versions")
        for owner, *names in (*watched, (effects.publisher, "publish")):
            for name in names:
                self._watch(owner, name)
        self._revision = Revision(parts.records, effects, parts.now)

    async def release(self, upload: str | Record, *, by: str = "grace") -> Record:
        """Release an upload; a record is used as it was read."""
        record = await record_of(self._harness, upload) if isinstance(upload, str) else upload
        profile = self._harness.profiles.get(record.profile)
        return await self._revision.release(record, profile, by=by, reason=REASON)

    async def revoke(self, upload: str) -> Record:
        """Revoke an upload, for the finding LATE."""
        record = await record_of(self._harness, upload)
        assert record.verdict
        verdict = record.verdict.model_copy(update={"outcome": Outcome.INFECTED, "findings": (LATE,)})
        profile = self._harness.profiles.get(record.profile)
        return await self._revision.revoke(record, profile, verdict, by="rescan", reason="newer signatures")

    async def _count(self, record: Record) -> None:
        self.counted.append(record.id)

    def _watch(self, owner: Any, name: str) -> None:
        real = getattr(owner, name)

        async def watched(*args: Any, **kwargs: Any) -> Any:
            if self.interrupted_at == ("before", name):
                raise Interrupted
            self.calls.append(name)
            response = await real(*args, **kwargs)
            if self.interrupted_at == ("after", name):
                raise Interrupted
            return response

        setattr(owner, name, watched)


async def infected(harness: WorkerHarness) -> Record:
    """The record of an upload in quarantine, whose event was received."""
    return await settled_as(harness, await harness.put(EICAR, content_type="text/plain"), State.INFECTED)


async def accepted(harness: WorkerHarness, **intent: Any) -> Record:
    """The record of an accepted upload, whose event was received."""
    return await settled_as(harness, await harness.put(PNG, **intent), State.ACCEPTED)


async def settled_as(harness: WorkerHarness, sent: Sent, state: State) -> Record:
    """The record after a worker settled the upload, which is now in that state; its event was received."""
    # A poll that is cancelled when a worker stops can hide a message for its visibility timeout.
    async with harness.working(visibility=2):
        record = await harness.settled(sent)
        await harness.idle()
    assert record.state is state
    await harness.events(1 if harness.profiles.get(record.profile).notify else 0)
    return record


async def record_of(harness: WorkerHarness, upload: str) -> Record:
    record = await harness.records.get(upload)
    assert record is not None
    return record
