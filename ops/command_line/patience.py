"""Waiting: for a dependency that is away for a moment, and between repairs."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from airlock.backoff import Backoff
from airlock.errors import Unavailable

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[object]]

# Beside the three attempts of AWS's client (see `aws.retry`). What is unavailable for longer is left to the next run.
ATTEMPTS = 5
BACKOFF = Backoff(first=1.0, longest=8.0)


class Patience:
    """`rate` is in repairs a second; `clock` gives seconds that never go back."""

    def __init__(self, rate: float, clock: Callable[[], float], sleep: Sleep) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._free_at = 0.0

    async def ask(self, call: Callable[[], Awaitable[T]]) -> T:
        """What `call` answers, tried again some times; raises the Unavailable of the last try."""
        for failures in range(1, ATTEMPTS):
            try:
                return await call()
            except Unavailable:
                await self._sleep(BACKOFF.most(failures))
        return await call()

    async def spend(self, repairs: int) -> None:
        """Wait until that many repairs may be made."""
        now = self._clock()
        begin = max(self._free_at, now)
        # Before the wait: others that come meanwhile wait behind it.
        self._free_at = begin + repairs / self._rate
        if begin > now:
            await self._sleep(begin - now)
