"""Withdrawal: removing an upload's bytes from every place, once its record says that the owner took it back."""

from collections.abc import Iterator

from airlock import keys
from airlock.lifecycle import State
from airlock.media_types import EXTENSIONS
from aws.objects import Objects
from aws.records import Record, Records
from workers.checks.signatures import ZIP
from workers.entry import Entry
from workers.outcome import Bury, Done, Outcome
from workers.settlement import Buckets


class Withdrawal:
    """Every method raises Unavailable, and can then be repeated."""

    def __init__(self, objects: Objects, records: Records, buckets: Buckets, entry: Entry) -> None:
        self._objects = objects
        self._records = records
        self._buckets = buckets
        self._entry = entry

    async def withdraw(self, upload: str) -> Outcome:
        """Do as a message says that our service sent: only the record is believed."""
        record = await self._records.get(upload)
        if record is None or record.state is not State.WITHDRAWN:
            return Bury("a withdrawal of an upload that its record does not call withdrawn")
        await self.remove(record)
        return Done()

    async def remove(self, record: Record) -> None:
        """Remove all bytes of a withdrawn upload, in incoming too."""
        for bucket, key in self._places(record):
            await self._objects.delete_all_versions(bucket, key)
        await self._objects.delete_all_versions(self._entry.bucket, keys.incoming(self._entry.prefix, record.id))

    def _places(self, record: Record) -> Iterator[tuple[str, str]]:
        if record.location is not None:
            yield record.location.bucket, record.location.key
        elif record.attempts and record.place == "incoming":
            # A worker can have ended after its copy and before its record: wherever that can have gone.
            yield self._buckets.quarantine, keys.quarantine(record.id, record.version_id)
            for key in sorted(self._accepted_keys(record)):
                yield self._buckets.accepted, key

    def _accepted_keys(self, record: Record) -> set[str]:
        profile = self._entry.profiles.profiles.get(record.profile)
        if profile is None:
            return set()
        # What is accepted is kept under its declared type; a zip can turn out to be a document in one.
        kinds = {record.content_type, *(EXTENSIONS.values() if record.content_type == ZIP else ())}
        return {
            keys.accepted(
                profile.accepted_key,
                upload=record.id,
                profile=record.profile,
                owner=record.owner,
                issued_at=int(record.created_at),
                media_type=kind,
            )
            for kind in kinds
        }
