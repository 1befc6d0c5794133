"""What each look of a run works with."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from airlock.callables import Clock
from airlock.profiles import Profiles
from aws.dynamodb.record import Record
from aws.dynamodb.records import BATCH
from aws.maintenance.inventory import Description, OpenUpload, Version
from aws.maintenance.inventory import Mark as PlaceInBucket
from aws.maintenance.record_scan import Kept
from aws.maintenance.record_scan import Mark as PlaceInTable
from aws.settings import AwsSettings
from ops.command_line.patience import Patience
from ops.reconcile.how import How
from ops.reconcile.repairs import Repairs
from ops.reconcile.report import Report
from ops.reconcile.seen import Seen

T = TypeVar("T")
M = TypeVar("M")
# A page of 1000 is asked for in ten requests; DynamoDB takes them side by side.
AT_ONCE = 10


class Buckets(Protocol):
    """What is in the buckets: see `aws.maintenance.inventory.Inventory`."""

    async def versions(
        self, bucket: str, prefix: str, after: PlaceInBucket | None = None
    ) -> tuple[list[Version], PlaceInBucket | None]: ...

    async def open_uploads(
        self, bucket: str, prefix: str, after: PlaceInBucket | None = None
    ) -> tuple[list[OpenUpload], PlaceInBucket | None]: ...

    async def abort(self, bucket: str, upload: OpenUpload) -> None: ...

    async def holds(self, bucket: str, key: str, version_id: str) -> bool: ...

    async def describe(self, bucket: str, version: Version) -> Description | None: ...


class Removal(Protocol):
    """Removing one version for good."""

    async def delete(self, bucket: str, key: str, version_id: str) -> None: ...


class Table(Protocol):
    """The whole table: see `aws.maintenance.record_scan.RecordScan`."""

    async def page(self, after: PlaceInTable | None = None) -> tuple[list[Kept], PlaceInTable | None]: ...

    async def forget(self, kept: Kept) -> bool: ...


class SomeRecords(Protocol):
    """Records by their ids: see `aws.dynamodb.records.Records`."""

    async def batch_get(self, uploads: Iterable[str]) -> dict[str, Record]: ...

    async def get(self, upload: str) -> Record | None: ...


@dataclass(frozen=True)
class Tour:
    """One run. `now` gives seconds since the epoch; `watch` hears how much more of what was looked at."""

    settings: AwsSettings
    profiles: Profiles
    how: How
    now: Clock
    buckets: Buckets
    removal: Removal
    table: Table
    records: SomeRecords
    repairs: Repairs
    patience: Patience
    report: Report
    seen: Seen
    watch: Callable[[str, int], object]

    async def pages(
        self, place: str, ask: Callable[[M | None], Awaitable[tuple[list[T], M | None]]]
    ) -> AsyncIterator[list[T]]:
        """Each page, asked for when the one before it was worked through."""
        after: M | None = None
        while True:
            page, after = await self._page(ask, after)
            self.report.looked[place] += len(page)
            self.watch(place, len(page))
            yield page
            await self.repairs.flush()
            if after is None:
                return

    async def _page(
        self, ask: Callable[[M | None], Awaitable[tuple[list[T], M | None]]], after: M | None
    ) -> tuple[list[T], M | None]:
        return await self.patience.ask(lambda: ask(after))

    async def records_of(self, uploads: Iterable[str]) -> Mapping[str, Record]:
        """The records of those uploads that have one, as of the last write."""
        wanted = list(dict.fromkeys(uploads))
        found: dict[str, Record] = {}
        for start in range(0, len(wanted), AT_ONCE * BATCH):
            some = wanted[start : start + AT_ONCE * BATCH]
            asked = [self._batch(some[at : at + BATCH]) for at in range(0, len(some), BATCH)]
            for records in await asyncio.gather(*asked):
                found |= records
        return found

    async def _batch(self, uploads: list[str]) -> dict[str, Record]:
        return await self.patience.ask(lambda: self.records.batch_get(uploads))

    def old(self, since: float, seconds: float) -> bool:
        """Whether that time is at least so long ago."""
        return self.now() - since >= seconds
