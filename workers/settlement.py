"""Settlement: making a verdict true, in an order in which a crash between any two steps is repaired by doing it again.

Copy the pinned bytes, record the verdict, count what was accepted, publish the event, delete exactly that version from
incoming. Nothing is deleted before the record says where the bytes went; the event goes out after the record is
readable; and because an upload is bound to one version for good, a copy made twice is a copy of the same bytes.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from airlock import intent, keys, verdict_event
from airlock.errors import Conflict, Unavailable
from airlock.intent import Intent
from airlock.lifecycle import RECORD_SECONDS
from airlock.profiles import Profile
from airlock.verdict import Outcome, Verdict
from aws.objects import Objects, Pinned
from aws.records import Location, Place, Record, Records
from workers.arrival import Arrival
from workers.copies import Buckets
from workers.inspection import Clock
from workers.publishing import Publisher

# Quarantined bytes are never to be rendered by whoever opens them.
INERT = "application/octet-stream"
# What S3 tells of an object in a bucket that never had versions, and in one where they were suspended.
UNVERSIONED = ("", "null")


class _Copy(NamedTuple):
    """Where the bytes are now, and whether they may be there twice."""

    location: Location
    repeated: bool


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
        self._buckets = buckets
        self._now = now

    async def settle(self, arrival: Arrival, verdict: Verdict) -> Record:
        """Take all steps; returns the record.

        Raises Conflict when the upload was withdrawn meanwhile: what was copied is removed again. Raises VersionGone
        when the version in incoming is no more.
        """
        place, copied = await self._store(arrival, verdict)
        record = await self._record(arrival, verdict, place, copied.location if copied else None)
        untidy = record.attempts > 1 or (copied is not None and copied.repeated)
        await self._follow(record, arrival.profile, arrival.source, untidy=untidy)
        return record

    async def again(self, record: Record, profile: Profile, source: Pinned) -> None:
        """Take the steps that follow the record, from what it says; nobody knows why they were not taken before."""
        await self._follow(record, profile, source, untidy=True)

    async def _follow(self, record: Record, profile: Profile, source: Pinned, *, untidy: bool) -> None:
        # Before anybody hears of the verdict, and repeated with the rest until it is done: it counts once.
        await self._count_accepted(record)
        await self._publish(record, profile)
        if untidy:
            await self.tidy(record, profile)
        await self._objects.delete(source.bucket, source.key, source.version_id)

    async def _store(self, arrival: Arrival, verdict: Verdict) -> tuple[Place, _Copy | None]:
        if verdict.outcome is Outcome.ACCEPTED:
            kind = verdict.media_type or arrival.intent.content_type
            key = keys.accepted(
                arrival.profile.accepted_key,
                upload=arrival.upload.text,
                profile=arrival.profile.name,
                owner=arrival.intent.owner,
                issued_at=arrival.upload.issued_at,
                media_type=kind,
            )
            return "accepted", await self._copy(arrival, verdict, self._buckets.accepted, key, kind)
        if getattr(arrival.profile.outcomes, verdict.outcome) == "delete":
            return "none", None
        key = keys.quarantine(arrival.upload.text, arrival.source.version_id)
        return "quarantine", await self._copy(arrival, verdict, self._buckets.quarantine, key, INERT)

    async def _copy(self, arrival: Arrival, verdict: Verdict, bucket: str, key: str, kind: str) -> _Copy:
        metadata = {
            "upload": arrival.upload.text,
            "owner": intent.encode(arrival.intent.owner),
            "profile": arrival.profile.name,
            "filename": intent.encode(arrival.intent.filename),
            "sha256": verdict.sha256 or "",
        }
        # Whatever link leads to it, a browser saves it: nothing is ever shown or run in the bucket's own origin.
        copied = await self._objects.promote(
            arrival.source, bucket, key, content_type=kind, content_disposition="attachment", metadata=metadata
        )
        if copied.version_id in UNVERSIONED:
            raise Unavailable("s3", f"versioning is off on the bucket {bucket}: what is in it could be replaced")
        return _Copy(Location(bucket, key, copied.version_id), copied.repeated)

    async def _record(self, arrival: Arrival, verdict: Verdict, place: Place, location: Location | None) -> Record:
        upload, version, now = arrival.upload.text, arrival.source.version_id, self._now()
        try:
            record = await self._records.settle(
                upload,
                version,
                verdict,
                place=place,
                location=location,
                event_id=verdict_event.event_id(upload, version),
                # By its policy more can come: the record must be there to refuse it, however short it is to be kept.
                expires_at=max(int(now + arrival.profile.retention), arrival.upload.expires_at + RECORD_SECONDS),
                now=now,
            )
        except Conflict:
            await self._remove(location)
            raise
        if record.location != location:
            # Another worker was first, and its record points to its own copy.
            await self._remove(location)
        return record

    async def _remove(self, location: Location | None) -> None:
        if location is not None:
            await self._objects.delete(*location)

    async def tidy(self, record: Record, profile: Profile | None) -> None:
        """Remove copies that no record names, of attempts that ended too early or of a request that was sent twice.

        Whoever copies later removes its own.

        They can be elsewhere than the recorded copy: another attempt can have come to another verdict.
        """
        for place in dict.fromkeys(self._buckets.copies(record, profile)):
            kept = record.location.version_id if record.location and record.location[:2] == place else None
            await self._objects.delete_all_versions(*place, but=kept)

    async def _publish(self, record: Record, profile: Profile) -> None:
        if not profile.notify or record.verdict is None:
            return
        event = verdict_event.render(
            upload=record.id,
            version_id=record.version_id,
            intent=_intent(record),
            verdict=record.verdict,
            location=record.location,
        )
        await self._publisher.publish(event, profile.targets)


def _intent(record: Record) -> Intent:
    return Intent(
        owner=record.owner,
        profile=record.profile,
        filename=record.filename,
        content_type=record.content_type,
        size=record.declared_size,
        sha256=record.declared_sha256,
        metadata=record.metadata,
        tenant=record.tenant,
    )
