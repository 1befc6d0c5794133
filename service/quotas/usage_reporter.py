"""Reports usage to the shared counters in DynamoDB, and reads from them what all replicas used together.

Usage is sent in numbered parts. A part without a response may have been counted, so it is sent again under the same
number, and the table counts each number once. A counter has one part in flight at a time.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from airlock.backoff import Backoff
from airlock.callables import Clock, Sleep
from airlock.quotas import Subject, Usage, Window
from service.ports import RandomBytes, UsageCounters
from service.timeouts import with_timeout

log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.5
# While the table is unavailable.
BACKOFF = Backoff(first=2 * FLUSH_SECONDS, longest=8.0)
MAX_CONCURRENT_WRITES = 16
# How long after the end of its window usage is still reported: clocks of replicas differ.
GRACE_SECONDS = 60

NO_USAGE = Usage()


@dataclass(eq=False, slots=True)
class Counter:
    """One subject in one window. `used` is the table's last total, and what this replica used and holds since."""

    subject: Subject
    window: Window
    used: Usage = NO_USAGE
    pending: Usage = NO_USAGE
    """What no part has reported yet."""
    held: Usage = NO_USAGE
    """What is not paid yet: it counts on this replica, and no other is told."""
    in_flight: tuple[int, Usage] | None = None
    """The part that is being sent, or is to be sent again, and its number."""
    started: bool = False
    """Whether anything was used. Before that the table was not read, and the usage of other replicas is unknown."""
    busy: bool = False
    refused: bool = False
    """Whether an upload was refused for it since it was last read: others may have used less than it was then."""

    @property
    def reported(self) -> bool:
        """Whether the table has all usage."""
        return self.in_flight is None and self.pending == NO_USAGE


@dataclass(eq=False, slots=True)
class _FlushQueue:
    """The counters of the next flush, and the pause in seconds after a flush."""

    pause: float
    counters: dict[Counter, None] = field(default_factory=dict)
    filled: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, counter: Counter) -> None:
        self.counters[counter] = None
        self.filled.set()

    def take_all(self) -> list[Counter]:
        taken, self.counters = list(self.counters), {}
        return taken


class UsageReporter:
    """Flushes usage every `FLUSH_SECONDS`, and that of a new counter at once, to learn what other replicas used."""

    def __init__(self, shared: UsageCounters, *, now: Clock, sleep: Sleep, random: RandomBytes) -> None:
        self._shared = shared
        self._now = now
        self._sleep = sleep
        self._replica = random(4).hex()
        self._numbers = count(1)
        self._known = _FlushQueue(FLUSH_SECONDS)
        self._new = _FlushQueue(0)
        self._available = True

    def report(self, counter: Counter, usage: Usage) -> None:
        """Count `usage` on this replica at once, and on all replicas with the next flush."""
        counter.used = counter.used.plus(usage)
        counter.pending = counter.pending.plus(usage)
        (self._known if counter.started else self._new).put(counter)
        counter.started = True

    def hold(self, counter: Counter, usage: Usage) -> None:
        """Count `usage` on this replica alone, until `release`."""
        counter.used, counter.held = counter.used.plus(usage), counter.held.plus(usage)

    def release(self, counter: Counter, usage: Usage) -> None:
        """Count what was held no longer."""
        self.hold(counter, usage.negative())

    def refresh(self, counter: Counter) -> None:
        """Read a counter for which an upload was refused, with the next flush."""
        counter.refused = True
        self._known.put(counter)

    @contextlib.asynccontextmanager
    async def running(self, last_seconds: float) -> AsyncIterator[None]:
        """Flush in the background; at the end flush what is left, within `last_seconds`."""
        tasks = [asyncio.create_task(self._keep_flushing(queue), name="quotas") for queue in (self._known, self._new)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._flush_rest(last_seconds)

    async def _keep_flushing(self, queue: _FlushQueue) -> None:
        failures = 0
        while True:
            await queue.filled.wait()
            queue.filled.clear()
            failures = 0 if await self._flush(queue.take_all()) else failures + 1
            await self._sleep(BACKOFF.most(failures) if failures else queue.pause)

    async def _flush_rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while (rest := self._new.take_all() + self._known.take_all()) and await self._flush(rest):
                    pass
        unreported = sum(not counter.reported for counter in self._known.counters)
        if unreported:
            log.warning("some usage was not reported: the table is unavailable", extra={"counters": unreported})

    async def _flush(self, counters: list[Counter]) -> bool:
        """Send what is pending; False when the table is unavailable. What was not sent waits for the next flush."""
        todo = iter(counters)
        tasks: list[asyncio.Task[bool]] = []
        try:
            async with asyncio.TaskGroup() as group:
                tasks += [group.create_task(self._send_each(todo)) for _ in counters[:MAX_CONCURRENT_WRITES]]
        finally:
            for counter in todo:
                self._known.put(counter)
        available = all(task.result() for task in tasks)
        if self._available and not available:
            log.warning("the counters of quotas are unavailable: each replica counts for itself")
        self._available = available
        return available

    async def _send_each(self, todo: Iterator[Counter]) -> bool:
        """Send counters until none is left, or one fails: the next would probably fail too."""
        for counter in todo:
            if not await self._send(counter):
                return False
        return True

    async def _send(self, counter: Counter) -> bool:
        if counter.busy:
            self._known.put(counter)
            return True
        if self._now() >= counter.window.end + GRACE_SECONDS:
            counter.in_flight, counter.pending = None, NO_USAGE
        if counter.reported and not counter.refused:
            return True
        if counter.in_flight is None and counter.pending != NO_USAGE:
            counter.in_flight, counter.pending = (next(self._numbers), counter.pending), NO_USAGE
        try:
            await self._read_total(counter)
        # Whatever the error is, the next flush tries again: a task that ended would stop all reporting.
        except Exception as error:  # noqa: BLE001
            log.debug("a counter could not be reported: %s", error)
            return False
        finally:
            if not counter.reported:
                self._known.put(counter)
        return True

    async def _read_total(self, counter: Counter) -> None:
        counter.busy = True
        try:
            total = await with_timeout("dynamodb", self._total(counter))
        finally:
            counter.busy = False
        counter.in_flight, counter.refused = None, False
        counter.used = total.plus(counter.pending).plus(counter.held)

    def _total(self, counter: Counter) -> Coroutine[Any, Any, Usage]:
        """The total of all replicas, once the part in flight was added, if there is one."""
        if counter.in_flight is None:
            return self._shared.get(counter.subject, counter.window)
        number, usage = counter.in_flight
        return self._shared.add(counter.subject, counter.window, usage, by=self._replica, part=number)
