"""Withdrawal: removes an upload's bytes from every place, once its record says that the owner withdrew it."""

import logging
from collections.abc import Iterable

from airlock import keys
from airlock.lifecycle import State
from airlock.profiles import Profiles
from aws.dynamodb.records import Record, Records
from aws.s3.objects import Objects
from workers.intake.disposition import Bury, Disposition, Done
from workers.settlement.buckets import Buckets, Copies

log = logging.getLogger(__name__)


class Withdrawal:
    """Every method raises Unavailable, and can then be repeated."""

    def __init__(self, objects: Objects, records: Records, buckets: Buckets, profiles: Profiles) -> None:
        self._objects = objects
        self._records = records
        self._buckets = buckets
        self._profiles = profiles

    async def withdraw(self, upload: str) -> Disposition:
        """Remove the bytes of an upload, as a message asks; nothing is removed unless the record says withdrawn."""
        record = await self._records.get(upload)
        if record is None or record.state is not State.WITHDRAWN:
            return Bury("the record of the upload does not say that it was withdrawn")
        await self.remove(record)
        log.info("withdrawn", extra={"upload": upload})
        return Done()

    async def remove(self, record: Record) -> None:
        """Remove all bytes of a withdrawn upload, also those in incoming."""
        for bucket, names in self._copies(record):
            await self._objects.delete_all_versions(bucket, *names)
        incoming = keys.incoming(self._buckets.incoming_prefix, record.id)
        await self._objects.delete_all_versions(self._buckets.incoming, incoming)

    def _copies(self, record: Record) -> Iterable[Copies]:
        if record.location is not None and record.attempts == 1 and record.moving_from is None:
            return [Copies(record.location.bucket, frozenset({record.location.key}))]
        # A worker can have ended after a copy and before its record.
        return self._buckets.copies(record, self._profiles.profiles.get(record.profile))
