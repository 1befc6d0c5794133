"""Acknowledgements: messages to delete, gathered for a moment so that one request deletes several."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from airlock.errors import Unavailable

log = logging.getLogger(__name__)

# The most messages that SQS deletes in one request.
BATCH = 10
# Seconds to wait for more: a request costs a millisecond of CPU time, whether it deletes one message or ten. It is far
# below a visibility timeout.
LINGER = 0.2
RETRY_SECONDS = 1.0


class Deletes(Protocol):
    """The call that is made of the queue: returns the receipts that were not deleted. It raises Unavailable."""

    async def delete(self, receipts: Sequence[str]) -> list[str]: ...


class Acknowledgements:
    """Deletes the messages that were added, while `run` runs; `flush` deletes the rest. Times are in seconds."""

    def __init__(self, queue: Deletes, *, linger: float = LINGER, retry: float = RETRY_SECONDS) -> None:
        self._queue = queue
        self._linger = linger
        self._retry = retry
        self._waiting: list[str] = []
        self._any = asyncio.Event()
        self._full = asyncio.Event()

    def add(self, receipt: str) -> None:
        """Delete this message soon."""
        self._waiting.append(receipt)
        self._any.set()
        if len(self._waiting) >= BATCH:
            self._full.set()

    async def run(self) -> None:
        """Delete until cancelled."""
        while True:
            await self._any.wait()
            try:
                async with asyncio.timeout(self._linger):
                    await self._full.wait()
            except TimeoutError:
                pass
            if not await self.flush():
                await asyncio.sleep(self._retry)

    async def flush(self) -> bool:
        """Delete all that wait now; False when SQS is unavailable, and they go on waiting."""
        batch, self._waiting = self._waiting, []
        self._any.clear()
        self._full.clear()
        try:
            failed = await self._queue.delete(batch)
        except BaseException as error:
            # Also when cancelled: to delete twice does no harm, but what is forgotten would be worked on twice.
            for receipt in batch:
                self.add(receipt)
            if not isinstance(error, Unavailable):
                raise
            log.warning("%d messages wait to be deleted: %s", len(batch), error)
            return False
        if failed:
            # They are delivered again, and settled again from their records.
            log.warning("SQS did not delete %d messages", len(failed))
        return True
