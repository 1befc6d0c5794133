"""In-memory fakes of the ports in service/ports.py, one for each port but the queue, and of its clock.

Where a fake has an `error`, every call raises it while it is set. tests/aws/contracts holds them to the adapters.
"""

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from airlock import upload_id
from airlock.errors import Refused, Unavailable
from airlock.lifecycle import State
from airlock.policy import Credentials
from airlock.quotas import Subject, Usage, Window
from airlock.upload_session import Session
from aws.dynamodb.records import Page, Record

KEYS = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
START = 1_790_000_000.0


class FakeClock:
    """`now` and `sleep` of a clock that stands still until `advance`; what slept until then wakes."""

    def __init__(self, now: float = START) -> None:
        self.at = now
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self._changed = asyncio.Condition()

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if seconds <= 0:
            return
        async with self._changed:
            self._sleepers.append((self.at + seconds, woken))
            self._changed.notify_all()
        await woken

    async def asleep(self, count: int) -> None:
        """Return once `count` are asleep."""
        async with self._changed:
            await self._changed.wait_for(lambda: sum(not woken.done() for _, woken in self._sleepers) >= count)

    def advance(self, seconds: float) -> None:
        self.at += seconds
        for end, woken in self._sleepers:
            if end <= self.at and not woken.done():
                woken.set_result(None)
        self._sleepers = [(end, woken) for end, woken in self._sleepers if not woken.done()]


@dataclass
class FakeCredentials:
    """The credentials that sign: `held`, or none."""

    held: Credentials | None = KEYS

    def current(self) -> Credentials:
        if self.held is None:
            raise Unavailable("credentials", "none could be fetched yet")
        return self.held

    def remaining(self, now: float) -> float:
        if self.held is None:
            return 0
        return math.inf if self.held.expires_at is None else max(0.0, self.held.expires_at.timestamp() - now)


@dataclass
class FakeRecords:
    """Records by upload id. `reads` holds the ids of every batch that was read."""

    records: dict[str, Record] = field(default_factory=dict)
    error: Exception | None = None
    reads: list[set[str]] = field(default_factory=list)
    pings: int = 0
    withdrawals: list[str] = field(default_factory=list)

    def put(self, record: Record) -> Record:
        self.records[record.id] = record
        return record

    async def get(self, upload: str) -> Record | None:
        self._answer()
        return self.records.get(upload)

    async def batch_get(self, uploads: Iterable[str]) -> Mapping[str, Record]:
        wanted = set(uploads)
        self.reads.append(wanted)
        self._answer()
        return {upload: self.records[upload] for upload in wanted if upload in self.records}

    async def withdraw(self, upload: str, now: float) -> None:
        self._answer()
        self.withdrawals.append(upload)
        issued_at = upload_id.unverified(upload).issued_at if upload not in self.records else 0
        blank = Record(id=upload, owner="", state=State.WITHDRAWN, created_at=issued_at, updated_at=now, place="none")
        known = self.records.get(upload, blank)
        if known.withdrawn_at is None:
            self.put(replace(known, state=State.WITHDRAWN, updated_at=now, withdrawn_at=now))

    async def list(self, owner: str, *, state: State | None, cursor: str | None, limit: int) -> Page:
        """A cursor is `after:` and the id of the last record of its page."""
        self._answer()
        matching = [each for each in self.records.values() if each.owner == owner and state in (None, each.state)]
        newest_first = sorted(matching, key=lambda each: -each.created_at)
        found = newest_first if cursor is None else self._after(newest_first, cursor)
        page = [*found[:limit]]
        return Page(page, f"after:{page[-1].id}" if len(found) > limit else None)

    def _after(self, found: Sequence[Record], cursor: str) -> Sequence[Record]:
        word, _, last = cursor.partition("after:")
        if word or last not in self.records:
            raise Refused("invalid_cursor", "Use a cursor that this list gave, unchanged.", field="cursor")
        return [each for each in found if each.created_at < self.records[last].created_at]

    async def ping(self) -> None:
        self.pings += 1
        self._answer()

    def _answer(self) -> None:
        if self.error:
            raise self.error


@dataclass
class FakeSessions:
    """What was charged to sessions: (uploads, bytes) by session id."""

    spent: dict[str, tuple[int, int]] = field(default_factory=dict)
    error: Exception | None = None

    async def spend(self, session: Session, least: int, most: int) -> int | None:
        if self.error:
            raise self.error
        uploads, taken = self.spent.get(session.id, (0, 0))
        paid = min(most, session.max_bytes - taken)
        if uploads >= session.max_uploads or paid < least:
            return None
        self.spent[session.id] = (uploads + 1, taken + paid)
        return paid


class FakeObjects:
    """Presigned URLs that name their object; `presigned` holds the arguments of each."""

    def __init__(self) -> None:
        self.presigned: list[Mapping[str, Any]] = []

    async def presign_get(
        self, bucket: str, key: str, version_id: str, *, content_disposition: str, content_type: str, expires: int
    ) -> str:
        told = {"content_disposition": content_disposition, "content_type": content_type, "expires": expires}
        self.presigned.append({"bucket": bucket, "key": key, "version_id": version_id, **told})
        return f"https://{bucket}.s3.example/{quote(key)}?versionId={version_id}"


@dataclass
class FakeCounters:
    """The counters of all replicas. `calls` counts the calls, `added` holds what each added part counted.

    With `lost_answer`, a call is counted and then raises it. While `open` is not set no call returns.
    """

    sums: dict[tuple[Subject, Window], Usage] = field(default_factory=dict)
    added: list[tuple[Subject, Window, Usage]] = field(default_factory=list)
    error: Exception | None = None
    lost_answer: Exception | None = None
    open: asyncio.Event = field(default_factory=asyncio.Event)
    calls: int = 0
    reads: int = 0
    under_way: int = 0
    most_under_way: int = 0
    _parts: dict[tuple[Subject, Window, str], int] = field(default_factory=dict)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.open.set()

    async def add(self, subject: Subject, window: Window, more: Usage, *, by: str, part: int) -> Usage:
        self.calls += 1
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        async with self._changed:
            self._changed.notify_all()
        await self.open.wait()
        self.under_way -= 1
        if self.error:
            raise self.error
        if part > self._parts.get((subject, window, by), 0):
            self._parts[subject, window, by] = part
            self.added.append((subject, window, more))
            self.sums[subject, window] = self.sums.get((subject, window), Usage()).plus(more)
        if self.lost_answer:
            raise self.lost_answer
        return self.sums[subject, window]

    async def get(self, subject: Subject, window: Window) -> Usage:
        self.reads += 1
        if self.error:
            raise self.error
        return self.sums.get((subject, window), Usage())

    async def called(self, times: int) -> None:
        """Return once `add` was called that often in all, and has returned."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.calls >= times)
        # The result reaches the caller some turns of the loop later.
        for _ in range(10):
            await asyncio.sleep(0)

    def accept(self, subject: Subject, window: Window, size: int) -> None:
        """Count accepted bytes, as the worker does."""
        self.sums[subject, window] = self.sums.get((subject, window), Usage()).plus(Usage(0, 0, size))
