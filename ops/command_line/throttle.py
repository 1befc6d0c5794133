"""Limits the rate of a command's changes, and repeats calls to a dependency that is unavailable for a moment."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from airlock.backoff import Backoff
from airlock.callables import Sleep
from airlock.errors import Unavailable

T = TypeVar("T")

# Beside the three attempts of AWS's client (see `aws.retry`). A longer outage is left to the next run.
ATTEMPTS = 5
BACKOFF = Backoff(first=1.0, longest=8.0)


class Throttle:
    """`rate` is in changes a second; `clock` gives seconds that never go back."""

    def __init__(self, rate: float, clock: Callable[[], float], sleep: Sleep) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._free_at = 0.0

    async def retry(self, call: Callable[[], Awaitable[T]]) -> T:
        """The result of `call`, which is repeated while it raises Unavailable; raises that of the last attempt."""
        for failures in range(1, ATTEMPTS):
            try:
                return await call()
            except Unavailable:
                await self._sleep(BACKOFF.most(failures))
        return await call()

    async def acquire(self, changes: int) -> None:
        """Wait until that many changes may be made."""
        now = self._clock()
        begin = max(self._free_at, now)
        # Reserved before the wait: callers that come meanwhile wait for the time after it.
        self._free_at = begin + changes / self._rate
        if begin > now:
            await self._sleep(begin - now)
