"""The bytes of settled uploads: copied to where a verdict wants them, and removed where no record names them."""

import contextlib
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from typing import Literal, NamedTuple

from airlock import keys
from airlock.content.format import OCTET_STREAM
from airlock.errors import Conflict, Outage, VersionGone
from airlock.profile import Profile
from airlock.verdict import Outcome, Verdict
from aws.dynamodb.records import Location, Place, Record, Records
from aws.s3.objects import Objects, Pinned
from workers.intake.admission import NotOurs
from workers.settlement import provenance
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


class Recorded(NamedTuple):
    """The copy that a record names, and the marks of what was found in it: see `provenance`."""

    pinned: Pinned
    findings: frozenset[str]


class NotACopy(NotOurs):
    """What a record says about the place of its bytes is not true, so that nothing is done with them."""


class Storage:
    """Every method raises Unavailable, and can then be repeated."""

    def __init__(self, objects: Objects, records: Records, buckets: Buckets) -> None:
        self._objects = objects
        self._records = records
        self._buckets = buckets

    async def store(
        self,
        record: Record,
        verdict: Verdict,
        profile: Profile,
        source: Pinned,
        findings: Collection[str] | None = None,
    ) -> Stored:
        """Copy the pinned bytes of `record`'s upload to where `verdict` wants them.

        The record's own verdict does not count. `findings` are the marks that the copy gets; with None those of
        `verdict`. Raises VersionGone when the source is not there any more.
        """
        found = provenance.marks(verdict.findings) if findings is None else findings
        metadata = provenance.description(record, verdict.sha256, found)
        if verdict.outcome is Outcome.ACCEPTED:
            media_type = verdict.media_type or record.content_type
            to = Location(self._buckets.accepted, accepted_key(record, profile, media_type), "")
            return await self._copy(source, "accepted", to, media_type, metadata)
        if getattr(profile.outcomes, verdict.outcome) == "delete":
            return Stored("none", None)
        to = Location(self._buckets.quarantine, keys.quarantine(record.id, record.version_id), "")
        # No program that opens an object in quarantine is to render it.
        return await self._copy(source, "quarantine", to, OCTET_STREAM, metadata)

    async def _copy(
        self, source: Pinned, place: Place, to: Location, media_type: str, metadata: Mapping[str, str]
    ) -> Stored:
        # A browser saves an attachment: nothing is shown or run in the bucket's own origin.
        copied = await self._objects.promote(
            source, to.bucket, to.key, content_type=media_type, content_disposition="attachment", metadata=metadata
        )
        if copied.version_id in UNVERSIONED:
            await self._objects.delete(to.bucket, to.key, "null")
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

    async def copy_in(self, place: Literal["accepted", "quarantine"], record: Record) -> Recorded:
        """The copy that the record names, which must be in that place.

        Raises NotACopy where the bytes there are not the upload's, and VersionGone when they are not there any more.
        """
        location = record.location
        bucket = self._buckets.accepted if place == "accepted" else self._buckets.quarantine
        if location is None or location.bucket != bucket:
            raise NotACopy(f"the record of the upload names no copy in {place}")
        pinned, metadata = await self._objects.describe(*location)
        if not provenance.is_copy(record, metadata):
            raise NotACopy(f"the bytes that the record of the upload names in {place} are not the upload's")
        return Recorded(pinned, provenance.recorded_marks(metadata))

    async def tidy(self, record: Record, profile: Profile | None, *, decided: bool) -> None:
        """Remove copies that no record names: of attempts that ended early, or of a request that was sent twice.

        They can be in other places than the recorded copy, because each attempt can come to another verdict. A worker
        that copies after this removes its own copy. Nothing is removed when the record names other places by now, or
        was claimed again. So it is read after the copies were listed: a copy on the list can just have been recorded.

        Without `decided` this process did not come to the verdict itself. Then accepted copies are removed only where
        the recorded copy is found, since only workers and operators can have made it. `airlock reconcile` finds others.
        """
        found = await self._copies(record, profile)
        latest = await self._records.get(record.id)
        if latest is None or _claims_and_places(latest) != _claims_and_places(record):
            return
        proven = decided or record.location in found
        await self._delete(
            each for each in found if each != record.location and (proven or each.bucket != self._buckets.accepted)
        )

    async def remove_all(self, record: Record, profile: Profile | None) -> None:
        """Remove every copy of a withdrawn upload."""
        await self._delete(await self._copies(record, profile))

    async def _copies(self, record: Record, profile: Profile | None) -> list[Location]:
        """All copies of the upload: those where the claims of `record` can have made any, and those that it names."""
        found = [
            Location(bucket, key, version)
            for bucket, names in self._buckets.copies(record, profile)
            for key, versions in (await self._objects.versions_of(bucket, names)).items()
            for version in versions
        ]
        # The profile's key may have been another one when they were made.
        named = {location for location in (record.location, record.moving_from) if location is not None}
        return found + [location for location in named.difference(found) if await self._is_copy(record, location)]

    async def _is_copy(self, record: Record, location: Location) -> bool:
        """Whether these are accepted bytes of the upload. In quarantine its key is always the same."""
        if location.bucket != self._buckets.accepted:
            return False
        try:
            _, metadata = await self._objects.describe(*location)
        except VersionGone:
            return False
        return provenance.is_copy(record, metadata)

    async def _delete(self, copies: Iterable[Location]) -> None:
        by_key: dict[tuple[str, str], list[str]] = {}
        for bucket, key, version in copies:
            by_key.setdefault((bucket, key), []).append(version)
        for (bucket, key), versions in by_key.items():
            await self._objects.delete_versions(bucket, key, versions)


def _claims_and_places(record: Record) -> tuple[object, ...]:
    return record.location, record.moving_from, record.attempts
