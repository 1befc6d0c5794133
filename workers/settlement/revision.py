"""Revision: changes a verdict that stood. How it works:

1. Note in the record that its bytes are about to be moved.
2. Copy them to where the new verdict wants them.
3. Record the change and the copy, by a conditional write.
4. Count what was accepted, and publish the event.
5. Remove all copies that the record does not name, those at the old place among them.
6. Note in the record that the move is over.

A worker or an operator's command can end between any two steps; to do the same again takes the steps that are missing.
Step 1 is for workers that settle the same upload at the same time: they remove copies that the record does not name,
and leave them alone while a move is noted.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal

from airlock import verdict_event
from airlock.callables import Clock
from airlock.errors import AirlockError
from airlock.lifecycle import Step, sources
from airlock.profile import Profile
from airlock.verdict import Change, Outcome, Verdict
from aws.dynamodb.records import Record, Records
from workers.settlement.effects import Effects
from workers.settlement.storage import Stored

Revising = Literal[Step.RELEASE, Step.REVOKE]
_FROM: Mapping[Revising, Literal["accepted", "quarantine"]] = MappingProxyType(
    {Step.RELEASE: "quarantine", Step.REVOKE: "accepted"}
)


class NotPossible(AirlockError):
    """The verdict on this upload cannot be changed in this way; the message says why."""


class Revision:
    """Every method raises Unavailable, and can then be repeated."""

    def __init__(self, records: Records, effects: Effects, now: Clock) -> None:
        self._records = records
        self._effects = effects
        self._now = now

    async def release(self, record: Record, profile: Profile, *, by: str, reason: str) -> Record:
        """Accept what is in quarantine; the findings stay in the verdict. Returns the record.

        A release that was recorded already is finished, and keeps its own `by` and `reason`. Only an operator's command
        may call this: it believes the record.
        Raises NotPossible, Conflict when the upload was changed meanwhile, NotACopy when the record does not name the
        upload's own bytes in quarantine, and VersionGone when they are not there any more.
        """
        if record.verdict is None:
            raise _not_possible(record, Step.RELEASE)
        released = record.verdict.model_copy(update={"outcome": Outcome.ACCEPTED})
        return await self._revise(record, profile, Step.RELEASE, released, by, reason)

    async def revoke(self, record: Record, profile: Profile, verdict: Verdict, *, by: str, reason: str) -> Record:
        """Take back what was accepted, because a later inspection came to `verdict`, which is infected.

        The bytes go to quarantine or are deleted, as the profile says for infected ones. A revocation that was recorded
        already is finished. Otherwise as `release`.
        """
        return await self._revise(record, profile, Step.REVOKE, verdict, by, reason)

    async def end_revocation(self, record: Record) -> None:
        """Note that a revocation is over: the accepted bytes are not there any more."""
        await self._records.end_change(record)

    async def _revise(
        self, record: Record, profile: Profile, step: Revising, verdict: Verdict, by: str, reason: str
    ) -> Record:
        if record.state is verdict.outcome.state and record.changes and record.changes[-1].step is step:
            if step is Step.RELEASE and record.moving_from is not None:
                await self._effects.storage.copy_in("accepted", record)
            return await self._follow(record, profile)
        if record.state not in sources(step) or record.verdict is None or record.location is None:
            raise _not_possible(record, step)
        now = self._now()
        moment = datetime.fromtimestamp(now, UTC)
        change = Change(step=step, before=record.verdict.outcome, by=by, reason=reason, at=moment)
        source, found = await self._effects.storage.copy_in(_FROM[step], record)
        begun = await self._records.begin_change(record, step, now)
        # What a rescan may excuse later is what a worker found in the bytes that are released, not what a record says.
        findings = found if step is Step.RELEASE else None
        stored = await self._effects.storage.store(begun, verdict, profile, source, findings)
        async with self._effects.storage.removed_on_conflict(stored):
            changed = await self._record(begun, change, verdict, stored, now)
        return await self._follow(changed, profile)

    async def _record(self, record: Record, change: Change, verdict: Verdict, stored: Stored, now: float) -> Record:
        return await self._records.change(
            record,
            change,
            verdict,
            place=stored.place,
            location=stored.location,
            event_id=verdict_event.event_id(record.id, record.version_id, len(record.changes) + 1),
            now=now,
        )

    async def _follow(self, record: Record, profile: Profile) -> Record:
        if record.moving_from is not None:
            await self._effects.announce(record, profile)
            await self._effects.storage.tidy(record, profile, decided=True)
            await self._records.end_change(record)
        return record


def _not_possible(record: Record, step: Step) -> NotPossible:
    if record.state in sources(step) and record.location is None:
        return NotPossible(f"the bytes of this upload, which is {record.state}, were not kept")
    allowed = " or ".join(sorted(sources(step)))
    return NotPossible(f"cannot {step} an upload that is {record.state}: only one that is {allowed}")
