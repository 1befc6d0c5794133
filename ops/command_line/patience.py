"""Waiting: for a dependency that is away for a moment, and between repairs."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from airlock.errors import Unavailable

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[object]]

# Beside the vendor's client's own three attempts: what takes longer is for the next run.
PAUSES = (1.0, 2.0, 4.0, 8.0)


class Patience:
    """`rate` is in repairs a second; `clock` gives seconds that never go back."""

    def __init__(self, rate: float, clock: Callable[[], float], sleep: Sleep) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._free_at = 0.0

    async def ask(self, call: Callable[[], Awaitable[T]]) -> T:
        """What `call` answers, tried again some times; raises the Unavailable of the last try."""
        for pause in PAUSES:
            try:
                return await call()
            except Unavailable:
                await self._sleep(pause)
        return await call()

    async def spend(self, repairs: int) -> None:
        """Wait until that many repairs may be made."""
        now = self._clock()
        begin = max(self._free_at, now)
        # Before the wait: others that come meanwhile wait behind it.
        self._free_at = begin + repairs / self._rate
        if begin > now:
            await self._sleep(begin - now)
