"""Where a verdict wants the bytes, how they are described there, and what is removed when it is done."""

from typing import NamedTuple

from airlock import intent, keys
from airlock.errors import Unavailable
from airlock.profile import Profile
from airlock.verdict import Outcome, Verdict
from aws.dynamodb.records import Location, Place, Record, Records
from aws.s3.objects import Objects, Pinned
from workers.settlement.copies import Buckets

# Quarantined bytes are never to be rendered by whoever opens them.
INERT = "application/octet-stream"
# What S3 tells of an object in a bucket that never had versions, and in one where they were suspended.
UNVERSIONED = ("", "null")


class Stored(NamedTuple):
    """Where the bytes are now: nowhere, if not kept. `repeated`: they may be there twice."""

    place: Place
    location: Location | None
    repeated: bool = False


class Storage:
    """Every method raises Unavailable, and can then be repeated."""

    def __init__(self, objects: Objects, records: Records, buckets: Buckets) -> None:
        self._objects = objects
        self._records = records
        self._buckets = buckets

    async def store(self, record: Record, verdict: Verdict, profile: Profile, source: Pinned) -> Stored:
        """Copy the pinned bytes to where the verdict wants them; of `record` counts what came in, not its verdict.

        Raises VersionGone when the source is no more.
        """
        if verdict.outcome is Outcome.ACCEPTED:
            kind = verdict.media_type or record.content_type
            key = keys.accepted(
                profile.accepted_key,
                upload=record.id,
                profile=profile.name,
                owner=record.owner,
                issued_at=int(record.created_at),
                media_type=kind,
            )
            return await self._copy(
                record, verdict, source, "accepted", Location(self._buckets.accepted, key, ""), kind
            )
        if getattr(profile.outcomes, verdict.outcome) == "delete":
            return Stored("none", None)
        key = keys.quarantine(record.id, record.version_id)
        return await self._copy(
            record, verdict, source, "quarantine", Location(self._buckets.quarantine, key, ""), INERT
        )

    async def _copy(
        self, record: Record, verdict: Verdict, source: Pinned, place: Place, to: Location, kind: str
    ) -> Stored:
        metadata = {
            "upload": record.id,
            "owner": intent.encode(record.owner),
            "profile": record.profile,
            "filename": intent.encode(record.filename),
            "sha256": verdict.sha256 or "",
        }
        # Whatever link leads to it, a browser saves it: nothing is ever shown or run in the bucket's own origin.
        copied = await self._objects.promote(
            source, to.bucket, to.key, content_type=kind, content_disposition="attachment", metadata=metadata
        )
        if copied.version_id in UNVERSIONED:
            raise Unavailable("s3", f"versioning is off on the bucket {to.bucket}: what is in it could be replaced")
        return Stored(place, to._replace(version_id=copied.version_id), copied.repeated)

    async def remove(self, location: Location | None) -> None:
        """Remove exactly that copy, if there is one."""
        if location is not None:
            await self._objects.delete(*location)

    async def tidy(self, record: Record, profile: Profile | None) -> None:
        """Remove copies that no record names, of attempts that ended too early or of a request that was sent twice.

        Whoever copies later removes its own. They can be elsewhere than the recorded copy: another attempt can have
        come to another verdict. Nothing is removed when the record tells of other places by now, or was claimed again.
        It is read after everything was found: what was found can be a copy that is about to be recorded.
        """
        found = [
            (bucket, key, await self._objects.versions(bucket, key))
            for bucket, key in dict.fromkeys(self._buckets.copies(record, profile))
        ]
        latest = await self._records.get(record.id)
        if latest is None or _whereabouts(latest) != _whereabouts(record):
            return
        for bucket, key, versions in found:
            others = [version for version in versions if record.location != (bucket, key, version)]
            await self._objects.delete_versions(bucket, key, others)


def _whereabouts(record: Record) -> tuple[object, ...]:
    return record.location, record.moving_from, record.attempts
