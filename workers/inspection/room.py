"""The room for copies on disk, as a budget for all objects that are inspected at once. How it works:

- The room for an object's own copy is reserved by its size before the inspection begins. Objects get it in the order in
  which they ask; one that gets none for a while waits in the queue instead, which costs it no attempt.
- What members unpack to is not known before, so it is taken as it is written. Where nothing is left, the object that
  began first waits until others have ended; every other one gives up, and waits in the queue. So one always goes on.
- What an object cannot get while it is alone, it never gets: it does not fit.

Copies in memory are small and do not count.
"""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from typing import Self

from airlock.errors import DoesNotFit, Outage
from airlock.profiles import Profiles
from workers.settings import Settings

MIB = 1024**2

# Seconds for which an object that has been opened may wait for room: S3 ends a connection that is not read.
ENTRANCE_SECONDS = 20.0
_NO_ROOM = "the room for copies is taken by other objects"


class Share:
    """What one inspection holds, in bytes. `reserved` was taken at its begin and is given back at its end."""

    def __init__(self, room: "Room", reserved: int) -> None:
        self._room = room
        self._reserved = reserved
        self._used = 0

    @property
    def held(self) -> int:
        """What others cannot have."""
        return max(self._reserved, self._used)

    async def take(self, size: int) -> None:
        """Take `size` bytes. Raises Outage where others have what is missing, and DoesNotFit where nobody has."""
        missing = self._used + size - self.held
        if missing > 0:
            await self._room.wait_for(missing, self)
        self._used += size

    def give_back(self, size: int) -> None:
        """Give back what was taken."""
        self._used -= size
        self._room.changed()


class Room:
    """`capacity` is in bytes."""

    def __init__(self, capacity: int, *, entrance_seconds: float = ENTRANCE_SECONDS) -> None:
        self.capacity = capacity
        self._entrance_seconds = entrance_seconds
        self._entrance = asyncio.Lock()
        self._shares: list[Share] = []
        self._changed = asyncio.Event()
        self._first_waits = False

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the settings say, or what is free in the folder now."""
        if settings.spool_size:
            return cls(settings.spool_size * MIB)
        return cls(shutil.disk_usage(settings.spool_folder or tempfile.gettempdir()).free)

    def too_small_for(self, profiles: Profiles) -> list[str]:
        """The names of the profiles whose largest objects never fit."""
        return [name for name, profile in profiles.profiles.items() if profile.max_bytes > self.capacity]

    @property
    def free(self) -> int:
        """Bytes that nobody holds."""
        return self.capacity - sum(share.held for share in self._shares)

    @contextlib.asynccontextmanager
    async def share(self, size: int) -> AsyncIterator[Share]:
        """Reserve `size` bytes, once they are free. Raises Outage where others keep them, and DoesNotFit."""
        if size > self.capacity:
            raise self._does_not_fit(size)
        share = Share(self, size)
        try:
            async with asyncio.timeout(self._entrance_seconds), self._entrance:
                await self._until(lambda: not self._first_waits and self.free >= size)
                self._shares.append(share)
        except TimeoutError:
            raise Outage("spool", _NO_ROOM) from None
        try:
            yield share
        finally:
            self._shares.remove(share)
            self.changed()

    async def wait_for(self, missing: int, share: Share) -> None:
        """Return when `missing` bytes are free for `share`."""
        if self.free >= missing and not self._first_waits:
            return
        if share is not self._shares[0]:
            raise Outage("spool", _NO_ROOM)
        self._first_waits = True
        try:
            await self._until(lambda: self.free >= missing or len(self._shares) == 1)
        finally:
            self._first_waits = False
            self.changed()
        if self.free < missing:
            raise self._does_not_fit(share.held + missing)

    def changed(self) -> None:
        """Look again, whoever waits."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            await self._changed.wait()

    def _does_not_fit(self, size: int) -> DoesNotFit:
        return DoesNotFit(
            "spool", f"copies of {size} bytes are needed, and there is room for {self.capacity} (AIRLOCK_SPOOL_SIZE)"
        )
