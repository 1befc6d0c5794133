"""What all scans of one run share: its options, its connections, and what it counted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from airlock.callables import Clock
from airlock.profiles import Profiles
from aws.dynamodb.record import Record
from aws.dynamodb.records import BATCH
from aws.settings import AwsSettings
from ops.command_line.throttle import Throttle
from ops.reconcile.bloom_filter import BloomFilter
from ops.reconcile.options import Options
from ops.reconcile.ports import BucketListing, ItemScan, RecordReader, VersionDeleter
from ops.reconcile.repairs import Repairs
from ops.reconcile.summary import Summary

T = TypeVar("T")
M = TypeVar("M")
# The records of a page of 1000 take ten requests, which are sent at the same time.
CONCURRENT_BATCHES = 10


@dataclass(frozen=True)
class Context:
    """One run. `now` gives seconds since the epoch. `accepted` holds the names of the versions seen in accepted."""

    settings: AwsSettings
    profiles: Profiles
    options: Options
    now: Clock
    listing: BucketListing
    objects: VersionDeleter
    table: ItemScan
    records: RecordReader
    repairs: Repairs
    throttle: Throttle
    summary: Summary
    accepted: BloomFilter
    on_progress: Callable[[str, int], object]

    async def pages(
        self, place: str, read: Callable[[M | None], Awaitable[tuple[list[T], M | None]]]
    ) -> AsyncIterator[list[T]]:
        """Each page that `read` returns. The next one is read when the repairs of the one before are sent."""
        after: M | None = None
        while True:
            page, after = await self._page(read, after)
            self.summary.scanned[place] += len(page)
            self.on_progress(place, len(page))
            yield page
            await self.repairs.flush()
            if after is None:
                return

    async def _page(
        self, read: Callable[[M | None], Awaitable[tuple[list[T], M | None]]], after: M | None
    ) -> tuple[list[T], M | None]:
        return await self.throttle.retry(lambda: read(after))

    async def records_of(self, uploads: Iterable[str]) -> Mapping[str, Record]:
        """The records of those uploads that have one, read consistently."""
        wanted = list(dict.fromkeys(uploads))
        found: dict[str, Record] = {}
        for start in range(0, len(wanted), CONCURRENT_BATCHES * BATCH):
            some = wanted[start : start + CONCURRENT_BATCHES * BATCH]
            batches = [self._batch(some[at : at + BATCH]) for at in range(0, len(some), BATCH)]
            for records in await asyncio.gather(*batches):
                found |= records
        return found

    async def _batch(self, uploads: list[str]) -> dict[str, Record]:
        return await self.throttle.retry(lambda: self.records.batch_get(uploads))

    def old(self, since: float, seconds: float) -> bool:
        """Whether `since` was at least `seconds` ago."""
        return self.now() - since >= seconds
