"""Counts what a run finds, and repairs it: by messages in batches and by single calls, at a limited rate."""

from collections.abc import Awaitable, Callable

from aws.maintenance.bulk_sender import BATCH
from ops.command_line.throttle import Throttle
from ops.reconcile.discrepancy import Discrepancy
from ops.reconcile.options import Options
from ops.reconcile.ports import MessageQueue
from ops.reconcile.summary import Summary

# The length of the queue is read again after so many messages.
MESSAGES_BETWEEN_READS = 1000


class Repairs:
    """Counts in `summary`; a dry run only counts. Every method that sends raises Unavailable."""

    def __init__(self, queue: MessageQueue, options: Options, summary: Summary, throttle: Throttle) -> None:
        self._queue = queue
        self._options = options
        self._summary = summary
        self._throttle = throttle
        self._batch: list[tuple[Discrepancy, str]] = []
        self._until_read = 0

    def leave(self, discrepancy: Discrepancy, example: str) -> None:
        """Count a discrepancy that this command does not repair."""
        self._summary.found(discrepancy, example)

    async def send(self, discrepancy: Discrepancy, example: str, body: str) -> None:
        """Repair by a message to the worker. It is sent in a batch with others, at the latest by `flush`."""
        self._summary.found(discrepancy, example)
        if self._options.dry_run or self._summary.held_back:
            return
        self._batch.append((discrepancy, body))
        if len(self._batch) == BATCH:
            await self.flush()

    async def flush(self) -> None:
        """Send the messages that are still in the batch."""
        batch, self._batch = self._batch, []
        if not batch or not await self._queue_has_room(len(batch)):
            return
        await self._throttle.acquire(len(batch))
        await self._throttle.retry(lambda: self._queue.send([body for _, body in batch]))
        for discrepancy, _ in batch:
            self._summary.repaired(discrepancy)

    async def do(self, discrepancy: Discrepancy, example: str, action: Callable[[], Awaitable[object]]) -> None:
        """Repair by a call that may be repeated."""
        self._summary.found(discrepancy, example)
        if self._options.dry_run:
            return
        await self._throttle.acquire(1)
        await self._throttle.retry(action)
        self._summary.repaired(discrepancy)

    async def _queue_has_room(self, count: int) -> bool:
        if self._until_read <= 0:
            self._until_read = MESSAGES_BETWEEN_READS
            waiting = await self._throttle.retry(self._queue.waiting)
            self._summary.held_back = self._summary.held_back or waiting > self._options.backlog
        self._until_read -= count
        return not self._summary.held_back
