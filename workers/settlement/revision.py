"""Revision: changing a verdict that stood, in an order in which a crash between any two steps is repaired by doing it
again.

Say so in the record, copy the bytes, record the change, count what was accepted, publish the event, remove the bytes
from where they were, and say in the record that it is done. A worker that still settles the same upload removes copies
that the record does not name: the first step makes it leave them alone.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Literal

from airlock import verdict_event
from airlock.callables import Clock
from airlock.errors import AirlockError, Conflict
from airlock.lifecycle import Step, sources
from airlock.profile import Profile
from airlock.verdict import Change, Outcome, Verdict
from aws.dynamodb.records import Record, Records
from aws.s3.objects import Objects
from workers.settlement.copies import Buckets
from workers.settlement.publishing import Publisher
from workers.settlement.storage import Storage, Stored

Revising = Literal[Step.RELEASE, Step.REVOKE]


class NotPossible(AirlockError):
    """The verdict on this upload cannot be changed in this way; the message says why."""


class Revision:
    """`now` gives seconds since the epoch. Every method raises Unavailable, and can then be repeated."""

    def __init__(
        self,
        objects: Objects,
        records: Records,
        publisher: Publisher,
        count_accepted: Callable[[Record], Awaitable[None]],
        buckets: Buckets,
        now: Clock,
    ) -> None:
        self._objects = objects
        self._records = records
        self._publisher = publisher
        self._count_accepted = count_accepted
        self._storage = Storage(objects, records, buckets)
        self._now = now

    async def release(self, record: Record, profile: Profile, *, by: str, reason: str) -> Record:
        """Free what lies in quarantine: its findings stay in the verdict, which is accepted from now on.

        A release that was recorded is finished: `by` and `reason` stay those of the first.
        Raises NotPossible, Conflict when somebody changed the upload meanwhile, and VersionGone when the quarantined
        bytes are no more.
        """
        if record.verdict is None:
            raise _not_possible(record, Step.RELEASE)
        freed = record.verdict.model_copy(update={"outcome": Outcome.ACCEPTED})
        return await self._revise(record, profile, Step.RELEASE, freed, by, reason)

    async def revoke(self, record: Record, profile: Profile, verdict: Verdict, *, by: str, reason: str) -> Record:
        """Take back what was accepted, by the verdict of a later inspection, which is infected.

        The bytes go to quarantine, or away, as the profile says of what is infected. Otherwise as `release`.
        """
        return await self._revise(record, profile, Step.REVOKE, verdict, by, reason)

    async def _revise(
        self, record: Record, profile: Profile, step: Revising, verdict: Verdict, by: str, reason: str
    ) -> Record:
        if record.state is verdict.outcome.state and record.changes and record.changes[-1].step is step:
            return await self._follow(record, profile)
        if record.state not in sources(step) or record.verdict is None or record.location is None:
            raise _not_possible(record, step)
        now = self._now()
        moment = datetime.fromtimestamp(now, UTC)
        change = Change(step=step, before=record.verdict.outcome, by=by, reason=reason, at=moment)
        source = await self._objects.pin(*record.location)
        begun = await self._records.begin_change(record, step, now)
        stored = await self._storage.store(begun, verdict, profile, source)
        return await self._follow(await self._record(begun, change, verdict, stored, now), profile)

    async def _record(self, record: Record, change: Change, verdict: Verdict, stored: Stored, now: float) -> Record:
        try:
            return await self._records.change(
                record,
                change,
                verdict,
                place=stored.place,
                location=stored.location,
                event_id=verdict_event.event_id(record.id, record.version_id, len(record.changes) + 1),
                now=now,
            )
        except Conflict:
            await self._storage.remove(stored.location)
            raise

    async def _follow(self, record: Record, profile: Profile) -> Record:
        if record.moving_from is not None:
            await self._count_accepted(record)
            await self._publisher.tell(record, profile)
            await self._storage.tidy(record, profile)
            await self._records.end_change(record)
        return record


def _not_possible(record: Record, step: Step) -> NotPossible:
    if record.state in sources(step) and record.location is None:
        return NotPossible(f"the bytes of this upload, which is {record.state}, were not kept")
    allowed = " or ".join(sorted(sources(step)))
    return NotPossible(f"cannot {step} an upload that is {record.state}: only one that is {allowed}")
