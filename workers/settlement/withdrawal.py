"""Withdrawal: removing an upload's bytes from every place, once its record says that the owner took it back."""

from collections.abc import Iterable

from airlock import keys
from airlock.lifecycle import State
from aws.dynamodb.records import Record, Records
from aws.s3.objects import Objects
from workers.intake.admission import Admission
from workers.intake.disposition import Bury, Disposition, Done
from workers.settlement.copies import Buckets


class Withdrawal:
    """Every method raises Unavailable, and can then be repeated."""

    def __init__(self, objects: Objects, records: Records, buckets: Buckets, admission: Admission) -> None:
        self._objects = objects
        self._records = records
        self._buckets = buckets
        self._admission = admission

    async def withdraw(self, upload: str) -> Disposition:
        """Do as a message says that our service sent: only the record is believed."""
        record = await self._records.get(upload)
        if record is None or record.state is not State.WITHDRAWN:
            return Bury("a withdrawal of an upload that its record does not call withdrawn")
        await self.remove(record)
        return Done()

    async def remove(self, record: Record) -> None:
        """Remove all bytes of a withdrawn upload, in incoming too."""
        for bucket, key in dict.fromkeys(self._places(record)):
            await self._objects.delete_all_versions(bucket, key)
        await self._objects.delete_all_versions(
            self._admission.bucket, keys.incoming(self._admission.prefix, record.id)
        )

    def _places(self, record: Record) -> Iterable[tuple[str, str]]:
        if record.location is not None and record.attempts == 1 and record.moving_from is None:
            return [(record.location.bucket, record.location.key)]
        # Somebody can have ended after a copy and before its record: wherever that can have gone.
        return self._buckets.copies(record, self._admission.profiles.profiles.get(record.profile))
