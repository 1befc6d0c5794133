"""Requests another inspection of accepted objects: one message for each, sent no faster than the queue empties."""

import functools
from dataclasses import dataclass, field

from airlock import events
from airlock.callables import Sleep
from aws.dynamodb.record import Record
from aws.maintenance.bulk_sender import BATCH, BulkSender
from aws.maintenance.table_scan import TableScan
from ops.command_line.throttle import Throttle
from ops.rescan.record_filter import RecordFilter
from ops.rescan.summary import Summary

# The length of the queue is read again after so many messages.
MESSAGES_BETWEEN_READS = 100
PAUSE_SECONDS = 5.0


@dataclass
class RescanRun:
    """Nothing is sent while more than `backlog` messages wait in the queue, since new uploads wait there too."""

    table: TableScan
    sender: BulkSender
    wanted: RecordFilter
    throttle: Throttle
    sleep: Sleep
    backlog: int
    summary: Summary = field(default_factory=Summary)
    _since_read: int = MESSAGES_BETWEEN_READS

    async def run(self) -> None:
        """Read the whole table, one page at a time. Raises Unavailable."""
        cursor = None
        while True:
            page, cursor = await self.throttle.retry(functools.partial(self.table.accepted, cursor))
            self.summary.scanned += len(page)
            wanted = [record for record in page if self.wanted.selects(record)]
            for start in range(0, len(wanted), BATCH):
                await self._request(wanted[start : start + BATCH])
            if cursor is None:
                break
        self.summary.finished = True

    async def _request(self, records: list[Record]) -> None:
        if not self.summary.dry_run:
            await self._until_room(len(records))
            await self.throttle.acquire(len(records))
            bodies = [events.rescan(record.id) for record in records]
            await self.throttle.retry(functools.partial(self.sender.send, bodies))
        self.summary.requested += len(records)
        self.summary.bytes += sum(record.size for record in records)

    async def _until_room(self, messages: int) -> None:
        """Wait until few enough messages wait in the queue."""
        if self._since_read >= MESSAGES_BETWEEN_READS:
            while await self.throttle.retry(self.sender.waiting) > self.backlog:
                await self.sleep(PAUSE_SECONDS)
            self._since_read = 0
        self._since_read += messages
