"""Telling the table what was taken here, and hearing from it what was taken in all.

A part that was sent and not answered can have been counted already: it keeps its number until an answer comes, and the
table counts each number once. Only one part of a counter is on its way at a time.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import count

from airlock.backoff import Backoff
from airlock.callables import Clock, Sleep
from airlock.quotas import Subject, Usage, Window
from service.ports import Random, SharedCounters
from service.timeouts import answer_of

log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.5
# While the table is unavailable.
BACKOFF = Backoff(first=2 * FLUSH_SECONDS, longest=8.0)
# Writes at once.
LANES = 16
# What was not told by then concerns nobody any more, clocks that differ included.
GRACE_SECONDS = 60

NOTHING = Usage()


@dataclass(eq=False, slots=True)
class Counter:
    """One subject in one window. `used` is what the table said last and what was taken here since."""

    subject: Subject
    window: Window
    used: Usage = NOTHING
    untold: Usage = NOTHING
    part: tuple[int, Usage] | None = None
    """What is being told, and its number."""
    begun: bool = False
    """Whether anything was taken: before that the table was not asked, and the others are not known."""
    busy: bool = False

    @property
    def settled(self) -> bool:
        """Whether the table knows all of it."""
        return self.part is None and self.untold == NOTHING


@dataclass(eq=False, slots=True)
class _Line:
    """Counters that wait for the next round, and the pause after it."""

    pause: float
    waiting: dict[Counter, None] = field(default_factory=dict)
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, counter: Counter) -> None:
        self.waiting[counter] = None
        self.woken.set()

    def take_all(self) -> list[Counter]:
        taken, self.waiting = list(self.waiting), {}
        return taken


class Teller:
    """Tells the table in rounds, `FLUSH_SECONDS` apart; of counters that it never heard of, at once."""

    def __init__(self, shared: SharedCounters, *, now: Clock, sleep: Sleep, random: Random) -> None:
        self._shared = shared
        self._now = now
        self._sleep = sleep
        self._by = random(4).hex()
        self._numbers = count(1)
        self._known = _Line(FLUSH_SECONDS)
        self._new = _Line(0)
        self._away = False

    def take(self, counter: Counter, more: Usage) -> None:
        """Count `more` here at once, and for all replicas soon."""
        counter.used = counter.used.plus(more)
        counter.untold = counter.untold.plus(more)
        (self._known if counter.begun else self._new).put(counter)
        counter.begun = True

    @contextlib.asynccontextmanager
    async def running(self, last_seconds: float) -> AsyncIterator[None]:
        """Tell all along, and at the end what is left, for so many seconds at most."""
        tasks = [asyncio.create_task(self._keep_telling(line), name="quotas") for line in (self._known, self._new)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._tell_the_rest(last_seconds)

    async def _keep_telling(self, line: _Line) -> None:
        failures = 0
        while True:
            await line.woken.wait()
            line.woken.clear()
            failures = 0 if await self._round(line.take_all()) else failures + 1
            await self._sleep(BACKOFF.most(failures) if failures else line.pause)

    async def _tell_the_rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while (rest := self._new.take_all() + self._known.take_all()) and await self._round(rest):
                    pass
        left = sum(not counter.settled for counter in self._known.waiting)
        if left:
            log.warning("what was taken in the last moment is not counted: the table is away", extra={"counters": left})

    async def _round(self, counters: list[Counter]) -> bool:
        """Tell of all these; False when the table was away, and those that it was not told of wait again."""
        todo = iter(counters)
        lanes: list[asyncio.Task[bool]] = []
        try:
            async with asyncio.TaskGroup() as group:
                lanes += [group.create_task(self._lane(todo)) for _ in counters[:LANES]]
        finally:
            for counter in todo:
                self._known.put(counter)
        away = not all(lane.result() for lane in lanes)
        if away and not self._away:
            log.warning("the counters of quotas are away: each replica counts for itself")
        self._away = away
        return not away

    async def _lane(self, todo: Iterator[Counter]) -> bool:
        for counter in todo:
            if not await self._told(counter):
                return False
        return True

    async def _told(self, counter: Counter) -> bool:
        if counter.busy:
            self._known.put(counter)
            return True
        if self._now() >= counter.window.end + GRACE_SECONDS:
            counter.part, counter.untold = None, NOTHING
        if counter.settled:
            return True
        if counter.part is None:
            counter.part, counter.untold = (next(self._numbers), counter.untold), NOTHING
        try:
            await self._tell(counter, *counter.part)
        # Whatever it is, the next round tries again: a task that ended would end all counting.
        except Exception as error:  # noqa: BLE001
            log.debug("a counter was not told: %s", error)
            return False
        finally:
            if not counter.settled:
                self._known.put(counter)
        return True

    async def _tell(self, counter: Counter, number: int, more: Usage) -> None:
        counter.busy = True
        try:
            adding = self._shared.add(counter.subject, counter.window, more, by=self._by, part=number)
            heard = await answer_of("dynamodb", adding)
        finally:
            counter.busy = False
        counter.part = None
        counter.used = heard.plus(counter.untold)
