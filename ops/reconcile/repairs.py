"""What a run does about what it finds: messages in batches, and calls one by one, at a rate and within bounds."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from aws.maintenance.outbox import BATCH
from ops.command_line.patience import Patience
from ops.reconcile.how import How
from ops.reconcile.report import Kind, Report

# How many messages are sent between two looks at how many wait.
BETWEEN_LOOKS = 1000


class Outgoing(Protocol):
    """The queue of objects, to send to."""

    async def send(self, bodies: Sequence[str]) -> None: ...

    async def waiting(self) -> int: ...


class Repairs:
    """Counts in `report` what is found and what was repaired; a dry run only counts. Raises Unavailable."""

    def __init__(self, outgoing: Outgoing, how: How, report: Report, patience: Patience) -> None:
        self._outgoing = outgoing
        self._how = how
        self._report = report
        self._patience = patience
        self._batch: list[tuple[Kind, str]] = []
        self._until_look = 0

    def leave(self, kind: Kind, example: str) -> None:
        """Tell of something that is not ours to repair."""
        self._report.found(kind, example)

    async def send(self, kind: Kind, example: str, body: str) -> None:
        """Repair something by a message to the worker; it is sent with others, at the latest by `flush`."""
        self._report.found(kind, example)
        if self._how.dry_run or self._report.held_back:
            return
        self._batch.append((kind, body))
        if len(self._batch) == BATCH:
            await self.flush()

    async def flush(self) -> None:
        """Send what is still to be sent."""
        batch, self._batch = self._batch, []
        if not batch or not await self._room_for(len(batch)):
            return
        await self._patience.spend(len(batch))
        await self._patience.ask(lambda: self._outgoing.send([body for _, body in batch]))
        for kind, _ in batch:
            self._report.repaired(kind)

    async def do(self, kind: Kind, example: str, action: Callable[[], Awaitable[object]]) -> None:
        """Repair something by a call that can be repeated."""
        self._report.found(kind, example)
        if self._how.dry_run:
            return
        await self._patience.spend(1)
        await self._patience.ask(action)
        self._report.repaired(kind)

    async def _room_for(self, count: int) -> bool:
        if self._until_look <= 0:
            self._until_look = BETWEEN_LOOKS
            waiting = await self._patience.ask(self._outgoing.waiting)
            self._report.held_back = self._report.held_back or waiting > self._how.backlog
        self._until_look -= count
        return not self._report.held_back
