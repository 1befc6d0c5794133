"""The bytes of settled uploads: copied to where a verdict wants them, and removed where no record names them."""

import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple

from airlock import intent, keys
from airlock.content.format import OCTET_STREAM
from airlock.errors import Conflict, Outage
from airlock.profile import Profile
from airlock.verdict import Outcome, Verdict
from aws.dynamodb.records import Location, Place, Record, Records
from aws.s3.objects import Objects, Pinned
from workers.settlement.buckets import Buckets, accepted_key

# The version id that S3 gives in a bucket that never had versions, and in one where they were suspended.
UNVERSIONED = ("", "null")


class Stored(NamedTuple):
    """Where the bytes are now. `location` is None where the profile keeps none of that outcome.

    `repeated`: the copy may have been made twice.
    """

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
        """Copy the pinned bytes of `record`'s upload to where `verdict` wants them.

        The record's own verdict does not count. Raises VersionGone when the source is not there any more.
        """
        if verdict.outcome is Outcome.ACCEPTED:
            media_type = verdict.media_type or record.content_type
            to = Location(self._buckets.accepted, accepted_key(record, profile, media_type), "")
            return await self._copy(record, verdict, source, "accepted", to, media_type)
        if getattr(profile.outcomes, verdict.outcome) == "delete":
            return Stored("none", None)
        to = Location(self._buckets.quarantine, keys.quarantine(record.id, record.version_id), "")
        # No program that opens an object in quarantine is to render it.
        return await self._copy(record, verdict, source, "quarantine", to, OCTET_STREAM)

    async def _copy(
        self, record: Record, verdict: Verdict, source: Pinned, place: Place, to: Location, media_type: str
    ) -> Stored:
        metadata = {
            "upload": record.id,
            "owner": intent.encode(record.owner),
            "profile": record.profile,
            "filename": intent.encode(record.filename),
            "sha256": verdict.sha256 or "",
        }
        # A browser saves an attachment: nothing is shown or run in the bucket's own origin.
        copied = await self._objects.promote(
            source, to.bucket, to.key, content_type=media_type, content_disposition="attachment", metadata=metadata
        )
        if copied.version_id in UNVERSIONED:
            raise Outage("s3", f"versioning is off in the bucket {to.bucket}: objects in it could be replaced")
        return Stored(place, to._replace(version_id=copied.version_id), copied.repeated)

    @contextlib.asynccontextmanager
    async def removed_on_conflict(self, stored: Stored) -> AsyncIterator[None]:
        """Remove the copy again when the block, which records it, raises Conflict."""
        try:
            yield
        except Conflict:
            await self.remove(stored)
            raise

    async def remove(self, stored: Stored) -> None:
        """Remove exactly that copy, if there is one."""
        if stored.location is not None:
            await self._objects.delete(*stored.location)

    async def tidy(self, record: Record, profile: Profile | None) -> None:
        """Remove copies that no record names: of attempts that ended early, or of a request that was sent twice.

        They can be in other places than the recorded copy, because each attempt can come to another verdict. A worker
        that copies after this removes its own copy. Nothing is removed when the record names other places by now, or
        was claimed again. So it is read after the copies were listed: a copy on the list can just have been recorded.
        """
        found = [
            (bucket, await self._objects.versions_of(bucket, names))
            for bucket, names in self._buckets.copies(record, profile)
        ]
        latest = await self._records.get(record.id)
        if latest is None or _claims_and_places(latest) != _claims_and_places(record):
            return
        for bucket, copies in found:
            for key, versions in copies.items():
                others = [version for version in versions if record.location != (bucket, key, version)]
                await self._objects.delete_versions(bucket, key, others)


def _claims_and_places(record: Record) -> tuple[object, ...]:
    return record.location, record.moving_from, record.attempts
