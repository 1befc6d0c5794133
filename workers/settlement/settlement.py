"""Settlement: makes a verdict true. How it works:

1. Copy the pinned bytes to where the verdict wants them.
2. Record the verdict and the copy, by a conditional write.
3. Count what was accepted.
4. Publish the event.
5. Remove copies that the record does not name, where there can be any.
6. Delete exactly the settled version from incoming.

A worker can end between any two steps. The message is then delivered again, and all steps are taken again, so each can
be repeated without harm:

- Before step 2 the upload is inspected again. The verdict can be another one then, and the copy elsewhere; step 5
  removes the first copy. Steps 1 and 5 need no lock, because an upload is bound to one version for good: a copy that is
  made twice has the same bytes, and a worker that copies without recording removes its own copy.
- After step 2 the verdict stands. `again` takes the steps 3 to 6 from what the record says: usage is counted once by a
  mark on the record, and a repeated event has the same id and the same text. A record is a claim, so that no step is
  taken for one that says accepted unless the copy in accepted proves it.

The order matters. An event is published only when the record can be read, and bytes are deleted from incoming last,
when the record says where they are. Otherwise a crash could lose them.
"""

import logging

from airlock import verdict_event
from airlock.callables import Clock
from airlock.errors import VersionGone
from airlock.lifecycle import RECORD_SECONDS, State
from airlock.profile import Profile
from airlock.verdict import Verdict
from aws.dynamodb.records import Record, Records
from aws.s3.objects import Objects, Pinned
from workers.intake.arrival import Arrival
from workers.settlement.effects import Effects
from workers.settlement.storage import Stored

log = logging.getLogger(__name__)


class Settlement:
    """Every method raises Unavailable, and can then be repeated."""

    def __init__(self, objects: Objects, records: Records, effects: Effects, now: Clock) -> None:
        self._objects = objects
        self._records = records
        self._effects = effects
        self._now = now

    async def settle(self, claimed: Record, arrival: Arrival, verdict: Verdict) -> Record:
        """Take all steps for the upload that was claimed; returns its record.

        Raises Conflict when the upload was withdrawn or given up meanwhile; then the copy is removed again. Raises
        VersionGone when the version in incoming is not there any more.
        """
        stored = await self._effects.storage.store(claimed, verdict, arrival.profile, arrival.source)
        async with self._effects.storage.removed_on_conflict(stored):
            record = await self._record(claimed, arrival, verdict, stored)
        if record.location != stored.location:
            # Another worker recorded its verdict first, and its own copy.
            await self._effects.storage.remove(stored)
        if record.location != stored.location or record.verdict != verdict:
            await self.again(record, arrival.profile, arrival.source)
            return record
        await self._effects.announce(record, arrival.profile)
        if record.attempts > 1 or stored.repeated:
            await self._tidy(record, arrival.profile, decided=True)
        await self._delete(arrival.source)
        return record

    async def again(self, record: Record, profile: Profile, source: Pinned) -> None:
        """Take the steps that follow the record, from what the record says.

        Where it says accepted and names no copy of the upload, nothing is done: raises NotACopy, or logs that the copy
        is not there any more.
        """
        if record.state is State.ACCEPTED and not await self._is_accepted(record):
            return
        await self._effects.announce(record, profile)
        await self._tidy(record, profile, decided=False)
        await self._delete(source)

    async def _is_accepted(self, record: Record) -> bool:
        try:
            await self._effects.storage.copy_in("accepted", record)
        except VersionGone:
            log.warning("nothing is announced: the accepted bytes are not there any more", extra={"upload": record.id})
            return False
        return True

    async def failed(self, record: Record, profile: Profile | None) -> None:
        """Publish that the upload failed, and remove what earlier attempts copied to quarantine: it has no verdict.

        The version in incoming stays. Without a profile no event is published.
        """
        await self._tidy(record, profile, decided=False)
        if profile is not None:
            await self._effects.publisher.publish_verdict(record, profile)

    async def _record(self, claimed: Record, arrival: Arrival, verdict: Verdict, stored: Stored) -> Record:
        now = self._now()
        return await self._records.settle(
            claimed,
            verdict,
            place=stored.place,
            location=stored.location,
            event_id=verdict_event.event_id(claimed.id, claimed.version_id),
            # More versions can come by the upload's policy. The record must be there to refuse them, however short the
            # profile's retention is.
            expires_at=max(int(now + arrival.profile.retention), arrival.upload.expires_at + RECORD_SECONDS),
            now=now,
        )

    async def _delete(self, source: Pinned) -> None:
        await self._objects.delete(source.bucket, source.key, source.version_id)

    async def _tidy(self, record: Record, profile: Profile | None, *, decided: bool) -> None:
        # While a release or a revocation moves the bytes, copies that the record does not name yet are its own.
        if record.moving_from is None:
            await self._effects.storage.tidy(record, profile, decided=decided)
