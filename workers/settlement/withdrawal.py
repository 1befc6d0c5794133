"""Withdrawal: removes an upload's bytes from every place, once its record says that the owner withdrew it."""

import logging

from airlock import keys
from airlock.lifecycle import State
from airlock.profiles import Profiles
from aws.dynamodb.records import Record, Records
from aws.s3.objects import Objects
from workers.intake.disposition import Bury, Disposition, Done
from workers.settlement.buckets import Buckets
from workers.settlement.storage import Storage

log = logging.getLogger(__name__)


class Withdrawal:
    """Every method raises Unavailable, and can then be repeated."""

    def __init__(
        self, objects: Objects, records: Records, storage: Storage, buckets: Buckets, profiles: Profiles
    ) -> None:
        self._objects = objects
        self._records = records
        self._storage = storage
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
        """Record that the upload is withdrawn for good, then remove all of its bytes, also those in incoming."""
        await self._records.end_withdrawal(record)
        await self._storage.remove_all(record, self._profiles.profiles.get(record.profile))
        incoming = keys.incoming(self._buckets.incoming_prefix, record.id)
        await self._objects.delete_all_versions(self._buckets.incoming, incoming)
