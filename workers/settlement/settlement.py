"""Settlement: making a verdict true, in an order in which a crash between any two steps is repaired by doing it again.

Copy the pinned bytes, record the verdict, count what was accepted, publish the event, delete exactly that version from
incoming. Nothing is deleted before the record says where the bytes went; the event goes out after the record is
readable; and because an upload is bound to one version for good, a copy made twice is a copy of the same bytes.
"""

from collections.abc import Awaitable, Callable

from airlock import verdict_event
from airlock.callables import Clock
from airlock.errors import Conflict
from airlock.lifecycle import RECORD_SECONDS
from airlock.profile import Profile
from airlock.verdict import Verdict
from aws.dynamodb.records import Record, Records
from aws.s3.objects import Objects, Pinned
from workers.intake.arrival import Arrival
from workers.settlement.copies import Buckets
from workers.settlement.publishing import Publisher
from workers.settlement.storage import Storage, Stored


class Settlement:
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

    async def settle(self, claimed: Record, arrival: Arrival, verdict: Verdict) -> Record:
        """Take all steps for what was claimed; returns the record.

        Raises Conflict when the upload was withdrawn or given up meanwhile: what was copied is removed again. Raises
        VersionGone when the version in incoming is no more.
        """
        stored = await self._storage.store(claimed, verdict, arrival.profile, arrival.source)
        record = await self._record(claimed, arrival, verdict, stored)
        await self._follow(record, arrival.profile, arrival.source, untidy=record.attempts > 1 or stored.repeated)
        return record

    async def again(self, record: Record, profile: Profile, source: Pinned) -> None:
        """Take the steps that follow the record, from what it says; nobody knows why they were not taken before."""
        await self._follow(record, profile, source, untidy=True)

    async def _follow(self, record: Record, profile: Profile, source: Pinned, *, untidy: bool) -> None:
        # Before anybody hears of the verdict, and repeated with the rest until it is done: it counts once.
        await self._count_accepted(record)
        await self._publisher.tell(record, profile)
        if untidy:
            await self.tidy(record, profile)
        await self._objects.delete(source.bucket, source.key, source.version_id)

    async def _record(self, claimed: Record, arrival: Arrival, verdict: Verdict, stored: Stored) -> Record:
        now = self._now()
        try:
            record = await self._records.settle(
                claimed,
                verdict,
                place=stored.place,
                location=stored.location,
                event_id=verdict_event.event_id(claimed.id, claimed.version_id),
                # By its policy more can come: the record must be there to refuse it, however short it is to be kept.
                expires_at=max(int(now + arrival.profile.retention), arrival.upload.expires_at + RECORD_SECONDS),
                now=now,
            )
        except Conflict:
            await self._storage.remove(stored.location)
            raise
        if record.location != stored.location:
            # Another worker was first, and its record points to its own copy.
            await self._storage.remove(stored.location)
        return record

    async def failed(self, record: Record, profile: Profile | None) -> None:
        """Tell that we failed. An attempt can have copied the bytes: what has no verdict is not to be in accepted."""
        await self.tidy(record, profile)
        if profile is not None:
            await self._publisher.tell(record, profile)

    async def tidy(self, record: Record, profile: Profile | None) -> None:
        """Remove copies that the record does not name, unless an operator is about to move the bytes."""
        if record.moving_from is None:
            await self._storage.tidy(record, profile)
