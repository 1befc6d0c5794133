"""One run over the existing objects of a bucket, a page of its listing at a time."""

import asyncio
import contextlib
import functools
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from airlock.backfill import Existing, Sender, usable
from airlock.callables import Clock
from airlock.upload_id import UploadId
from aws.dynamodb.records import BATCH, Records
from aws.maintenance.backlogs import Backlogs
from aws.maintenance.listing import Listing
from ops.backfill.checkpoint import Checkpoint
from ops.backfill.report import Outcome, Report, Told
from ops.backfill.sending import Interrupted, Sending
from ops.command_line.patience import Patience

# So many in a row that cannot be sent are no accident of single objects.
MOST_FAILURES = 100


@dataclass
class Run:
    """`tell` hears what came of each object. `stop` ends the run when what is under way is done. `now` gives seconds
    since the epoch.
    """

    bucket: str
    prefix: str
    listing: Listing
    records: Records
    backlogs: Backlogs
    sender: Sender
    sending: Sending
    patience: Patience
    concurrency: int
    tell: Callable[[Told], object]
    now: Clock
    stop: asyncio.Event
    checkpoint: Checkpoint | None = None
    report: Report = field(default_factory=Report)
    _failures: int = 0

    async def run(self, after: str) -> None:
        """Look at all objects whose keys come after `after`. Raises Unavailable when what it needs stays away."""
        self.report.last, self.report.interrupted, more = after, True, True
        with contextlib.suppress(Interrupted):
            while more and not self._enough:
                listed = functools.partial(self.listing.page, self.bucket, self.prefix, after)
                page, more = await self.patience.ask(listed)
                await self._page(page)
                after = page[-1].key if page else after
            self.report.interrupted = self._enough

    @property
    def _enough(self) -> bool:
        return self.stop.is_set() or self._failures >= MOST_FAILURES

    async def _page(self, page: list[Existing]) -> None:
        issued = await self._issue_times()
        ids = {existing: self.sender.ids(existing, issued) for existing in page}
        known = await self._known(ids)
        waiting = iter(ids.items())
        settled: set[Existing] = set()

        async def work() -> None:
            for existing, its in waiting:
                if self._enough:
                    return
                told = Told(existing.key, Outcome.DONE, existing.size)
                if known.isdisjoint(each.text for each in its):
                    told = await self.sending.send(existing, its)
                self._count(told)
                if told.outcome is not Outcome.FAILED:
                    settled.add(existing)

        try:
            await _together(work() for _ in range(self.concurrency))
        finally:
            self._advance(page, settled)

    async def _issue_times(self) -> list[int]:
        """When the ids of this page are issued, and before it when others were, which are still to be found."""
        now = int(self.now())
        began = await self.patience.ask(lambda: self.backlogs.began(self.bucket))
        while not any(usable(each, now) for each in began):
            if self.sending.dry_run:
                began = [*began, now]
            else:
                began = await self.patience.ask(functools.partial(self.backlogs.begin, self.bucket, now, began))
        return self.sender.remembered(began, now)

    async def _known(self, ids: dict[Existing, list[UploadId]]) -> set[str]:
        """Those of the ids under which there is a record."""
        texts = (each.text for every in ids.values() for each in every)
        found: set[str] = set()
        for some in iter(lambda: list(islice(texts, BATCH)), []):
            found |= set(await self.patience.ask(functools.partial(self.records.batch_get, some)))
        return found

    def _count(self, told: Told) -> None:
        self._failures = self._failures + 1 if told.outcome is Outcome.FAILED else 0
        self.report.add(told)
        self.tell(told)

    def _advance(self, page: list[Existing], settled: set[Existing]) -> None:
        """Note how far everything is settled, unless something before this page is not."""
        if self.report.stuck:
            return
        for existing in page:
            if existing not in settled:
                self.report.stuck = True
                break
            self.report.last = existing.key
        if self.checkpoint is not None and not self.sending.dry_run:
            self.checkpoint.write(self.report.last)


async def _together(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all to their ends; then raises what the first of them raised."""
    for ended in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(ended, BaseException):
            raise ended
