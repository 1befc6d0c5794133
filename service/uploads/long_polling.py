"""Callers who wait for a change: one poller for all of them, so that waiting costs by upload and not by caller."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from airlock.callables import Clock, Sleep
from airlock.lifecycle import State
from airlock.upload_id import UploadId
from aws.dynamodb.records import Record
from service.models.responses import state_of
from service.ports import Records

# How old news can be: half of it on average.
INTERVAL = 0.5


@dataclass(eq=False, slots=True)
class _Waiter:
    upload: UploadId
    known: State
    latest: Record | None
    woken: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def wake(self, error: Exception | None = None) -> None:
        if self.woken.done():
            return
        if error:
            self.woken.set_exception(error)
        else:
            self.woken.set_result(None)


class Live:
    """Wakes those who wait. `sleep` and `now` are passed in; the poller runs only while somebody waits."""

    def __init__(self, records: Records, *, now: Clock, sleep: Sleep, interval: float = INTERVAL) -> None:
        self._records = records
        self._now = now
        self._sleep = sleep
        self._interval = interval
        self._waiters: set[_Waiter] = set()
        self._poller: asyncio.Task[None] | None = None
        self._closed = False

    async def changed(self, upload: UploadId, known: State, seen: Record | None, seconds: float) -> Record | None:
        """The upload's record once its state is not `known` any more, or as last seen when time is up.

        `seen` is the record that the caller read just now. At shutdown everybody is answered at once.
        Raises Unavailable when the records are away.
        """
        if self._closed:
            return seen
        waiter = _Waiter(upload, known, seen)
        self._waiters.add(waiter)
        if self._poller is None:
            self._poller = asyncio.create_task(self._poll(), name="live")
        timer = asyncio.create_task(self._after(seconds, waiter.wake))
        try:
            await waiter.woken
        finally:
            timer.cancel()
            self._waiters.discard(waiter)
        return waiter.latest

    async def close(self) -> None:
        """Answer everybody who waits, and let nobody wait from now on."""
        self._closed = True
        for waiter in self._waiters:
            waiter.wake()
        if self._poller is not None:
            self._poller.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._poller

    async def _after(self, seconds: float, act: Callable[[], None]) -> None:
        await self._sleep(seconds)
        act()

    async def _poll(self) -> None:
        try:
            while self._waiters:
                await self._sleep(self._interval)
                if self._waiters:
                    await self._look(tuple(self._waiters))
        finally:
            self._poller = None

    async def _look(self, waiters: tuple[_Waiter, ...]) -> None:
        try:
            found = await self._records.batch_get({waiter.upload.text for waiter in waiters})
        # Whatever it is, those who wait are told now, and not when their time is up.
        except Exception as error:  # noqa: BLE001
            for waiter in waiters:
                waiter.wake(error)
            return
        now = self._now()
        for waiter in waiters:
            waiter.latest = found.get(waiter.upload.text, waiter.latest)
            if state_of(waiter.upload, waiter.latest, now) is not waiter.known:
                waiter.wake()
