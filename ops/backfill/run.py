"""One run over the objects that a bucket already holds, one page of its listing at a time."""

import asyncio
import contextlib
import functools
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from airlock.backfill import Existing, usable
from airlock.callables import Clock
from airlock.upload_id import UploadId
from aws.dynamodb.records import BATCH, Records
from aws.maintenance.backfill_runs import BackfillRuns
from aws.maintenance.listing import Listing
from ops.backfill.copier import Copier, Interrupted
from ops.backfill.options import Options
from ops.backfill.summary import Result, Status, Summary
from ops.command_line.throttle import Throttle

# So many failures in a row are not due to single objects.
MAX_FAILURES_IN_A_ROW = 100


@dataclass
class BackfillRun:
    """Calls `on_result` with the result of each object. Setting `stop` ends the run once the copies in progress are
    done. `now` gives seconds since the epoch.
    """

    options: Options
    listing: Listing
    records: Records
    runs: BackfillRuns
    copier: Copier
    throttle: Throttle
    on_result: Callable[[Result], object]
    now: Clock
    stop: asyncio.Event
    summary: Summary = field(default_factory=Summary)
    _failures: int = 0

    async def run(self, after: str) -> None:
        """Process all objects whose keys come after `after`.

        Raises Unavailable when a dependency stays unavailable, and OSError when the checkpoint cannot be written.
        """
        self.summary.last, self.summary.interrupted, more = after, True, True
        with contextlib.suppress(Interrupted):
            while more and not self._ended:
                listed = functools.partial(self.listing.objects, self.options.bucket, self.options.prefix, after)
                page, more = await self.throttle.retry(listed)
                await self._page(page)
                after = page[-1].key if page else after
            self.summary.interrupted = self._ended

    @property
    def _ended(self) -> bool:
        return self.stop.is_set() or self._failures >= MAX_FAILURES_IN_A_ROW

    async def _page(self, page: list[Existing]) -> None:
        issued = await self._issue_times()
        ids = {existing: self.options.sender.ids(existing, issued) for existing in page}
        recorded = await self._recorded(ids)
        remaining = iter(ids.items())
        settled: set[Existing] = set()

        async def copy_remaining() -> None:
            for existing, candidates in remaining:
                if self._ended:
                    return
                if recorded.isdisjoint(each.text for each in candidates):
                    result = await self.copier.send(existing, candidates)
                else:
                    result = Result(existing.key, Status.DONE, existing.size)
                self._count(result)
                if result.status is not Status.FAILED:
                    settled.add(existing)

        try:
            await _gather(copy_remaining() for _ in range(self.options.concurrency))
        finally:
            self._advance(page, settled)

    async def _issue_times(self) -> list[int]:
        """The issue time of this page's ids, then the earlier ones, whose ids must still be recognised."""
        now = int(self.now())
        began = await self.throttle.retry(lambda: self.runs.start_times(self.options.bucket))
        while not any(usable(each, now) for each in began):
            if self.options.dry_run:
                began = [*began, now]
            else:
                begin = functools.partial(self.runs.start, self.options.bucket, now, began)
                began = await self.throttle.retry(begin)
        return self.options.sender.remembered(began, now)

    async def _recorded(self, ids: dict[Existing, list[UploadId]]) -> set[str]:
        """Those of the ids that have a record."""
        texts = (each.text for candidates in ids.values() for each in candidates)
        found: set[str] = set()
        for batch in iter(lambda: list(islice(texts, BATCH)), []):
            found |= set(await self.throttle.retry(functools.partial(self.records.batch_get, batch)))
        return found

    def _count(self, result: Result) -> None:
        self._failures = self._failures + 1 if result.status is Status.FAILED else 0
        self.summary.add(result)
        self.on_result(result)

    def _advance(self, page: list[Existing], settled: set[Existing]) -> None:
        """Write down the last key before which everything is settled. It never passes an object that failed."""
        if self.summary.stuck:
            return
        for existing in page:
            if existing not in settled:
                self.summary.stuck = True
                break
            self.summary.last = existing.key
        if self.options.checkpoint is not None and not self.options.dry_run:
            self.options.checkpoint.write(self.summary.last)


async def _gather(coroutines: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all to their ends; then raise the first error of any."""
    for ended in await asyncio.gather(*coroutines, return_exceptions=True):
        if isinstance(ended, BaseException):
            raise ended
