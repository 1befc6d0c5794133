"""Asking for another inspection of accepted objects: which of them, and how fast."""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from airlock import events
from airlock.verdict import Engine, Verdict
from aws.dynamodb.record import Record
from aws.maintenance.accepted import Accepted
from aws.maintenance.outbox import BATCH, Outbox
from ops.command_line.patience import Patience

# Between two looks at how many messages wait.
LOOK_EVERY = 100
PAUSE = 5.0


@dataclass(frozen=True)
class Wanted:
    """Which accepted objects, by what the last inspection of each was; None is any. Moments have a time zone."""

    since: datetime | None = None
    until: datetime | None = None
    signatures_before: datetime | None = None
    profile: str | None = None
    owner: str | None = None

    def takes(self, record: Record) -> bool:
        """Whether it is to be inspected again."""
        last = _last(record)
        return (
            last is not None
            and (self.since is None or last.inspected_at >= self.since)
            and (self.until is None or last.inspected_at < self.until)
            and (self.signatures_before is None or _older(last.engines, self.signatures_before))
            and self.profile in (None, record.profile)
            and self.owner in (None, record.owner)
        )


def _last(record: Record) -> Verdict | None:
    verdicts = [verdict for verdict in (record.verdict, record.rescanned) if verdict]
    return max(verdicts, key=lambda verdict: verdict.inspected_at, default=None)


def _older(engines: Iterable[Engine], moment: datetime) -> bool:
    return any(engine.signatures_at is not None and engine.signatures_at < moment for engine in engines)


@dataclass
class Report:
    """`looked` counts accepted objects, `asked` those for which an inspection was asked for, `bytes` is theirs."""

    dry_run: bool = False
    finished: bool = False
    looked: int = 0
    asked: int = 0
    bytes: int = 0

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "finished": self.finished,
            "dry_run": self.dry_run,
            "looked": self.looked,
            "asked": self.asked,
            "bytes": self.bytes,
        }


@dataclass
class Rescanning:
    """`backlog`: nothing is sent while more messages than that wait in the queue, since new uploads wait there too."""

    accepted: Accepted
    outbox: Outbox
    wanted: Wanted
    patience: Patience
    sleep: Callable[[float], Any]
    backlog: int
    report: Report = field(default_factory=Report)
    _since_look: int = LOOK_EVERY

    async def run(self) -> None:
        """Look at the whole table, a page at a time. Raises Unavailable."""
        mark = None
        while True:
            page, mark = await self.patience.ask(functools.partial(self.accepted.page, mark))
            self.report.looked += len(page)
            wanted = [record for record in page if self.wanted.takes(record)]
            for start in range(0, len(wanted), BATCH):
                await self._ask(wanted[start : start + BATCH])
            if mark is None:
                break
        self.report.finished = True

    async def _ask(self, records: list[Record]) -> None:
        if not self.report.dry_run:
            await self._room(len(records))
            await self.patience.spend(len(records))
            bodies = [events.rescan(record.id) for record in records]
            await self.patience.ask(functools.partial(self.outbox.send, bodies))
        self.report.asked += len(records)
        self.report.bytes += sum(record.size for record in records)

    async def _room(self, more: int) -> None:
        """Wait until few enough messages wait."""
        if self._since_look >= LOOK_EVERY:
            while await self.patience.ask(self.outbox.waiting) > self.backlog:
                await self.sleep(PAUSE)
            self._since_look = 0
        self._since_look += more
