"""Long polling: requests that wait for an upload's state to change.

One poller reads the records of all uploads that are waited for, so the reads grow with the uploads and not with the
requests.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from airlock.callables import Clock, Sleep
from airlock.lifecycle import State
from airlock.upload_id import UploadId
from aws.dynamodb.records import Record
from service.ports import Records
from service.uploads.documents import state_of

# Seconds between two reads. A change is noticed after half of it on average.
INTERVAL = 0.5


@dataclass(eq=False, slots=True)
class _Waiter:
    upload: UploadId
    known: State
    latest: Record | None
    gone: Callable[[], bool]
    woken: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def wake(self, error: Exception | None = None) -> None:
        if self.woken.done():
            return
        if error:
            self.woken.set_exception(error)
        else:
            self.woken.set_result(None)


class LongPoller:
    """Wakes waiting requests. The poller runs only while a request waits."""

    def __init__(self, records: Records, *, now: Clock, sleep: Sleep, interval: float = INTERVAL) -> None:
        self._records = records
        self._now = now
        self._sleep = sleep
        self._interval = interval
        self._waiters: set[_Waiter] = set()
        self._poller: asyncio.Task[None] | None = None
        self._closed = False

    async def wait_for_change(
        self, upload: UploadId, known: State, latest: Record | None, seconds: float, *, gone: Callable[[], bool]
    ) -> Record | None:
        """Wait until the state is not `known`, for `seconds` at most or until `close`; returns the last record read.

        `latest` is the record that the caller read just before. The wait ends also when `gone` says that nobody waits
        for the answer any more. Raises Unavailable when the records are unavailable.
        """
        if self._closed:
            return latest
        waiter = _Waiter(upload, known, latest, gone)
        self._waiters.add(waiter)
        if self._poller is None:
            self._poller = asyncio.create_task(self._poll(), name="long poller")
        timer = asyncio.create_task(self._after(seconds, waiter.wake))
        try:
            await waiter.woken
        finally:
            timer.cancel()
            self._waiters.discard(waiter)
        return waiter.latest

    async def close(self) -> None:
        """Wake all waiting requests; later ones do not wait."""
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
                for waiter in self._waiters:
                    if waiter.gone():
                        waiter.wake()
                if waiting := tuple(waiter for waiter in self._waiters if not waiter.woken.done()):
                    await self._read_records(waiting)
        finally:
            self._poller = None

    async def _read_records(self, waiters: tuple[_Waiter, ...]) -> None:
        try:
            found = await self._records.batch_get({waiter.upload.text for waiter in waiters})
        # Whatever the error is, the requests fail now and not when their time is up.
        except Exception as error:  # noqa: BLE001
            for waiter in waiters:
                waiter.wake(error)
            return
        now = self._now()
        for waiter in waiters:
            waiter.latest = found.get(waiter.upload.text, waiter.latest)
            if state_of(waiter.upload, waiter.latest, now) is not waiter.known:
                waiter.wake()
