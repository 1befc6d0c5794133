"""A queue in memory, for the service's tests and the worker's. tests/aws/contracts holds it to what SQS does."""

import asyncio
import contextlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from aws.sqs.answers import Message


@dataclass
class _Stored:
    id: str
    body: str
    attributes: Mapping[str, str]
    receipts: list[str] = field(default_factory=list)
    visible_at: float = 0

    def deliver(self, visible_at: float) -> Message:
        count = len(self.receipts) + 1
        self.receipts.append(f"r-{self.id}" if count == 1 else f"r-{self.id}-{count}")
        self.visible_at = visible_at
        return Message(self.id, self.receipts[-1], self.body, count, self.attributes)


class FakeQueue:
    """Receives from the queue `name`, and sends to any. Every call raises `error` while it is set.

    `sent` holds what was sent: (queue, body). The receipt of the first delivery of message `x` is `r-x`. As with SQS, a
    receive that is cancelled while it waits may still get a message, which no one sees: here it always does.
    """

    def __init__(self, name: str = "objects") -> None:
        self.name = name
        self.sent: list[tuple[str, str]] = []
        self.error: Exception | None = None
        self._stored: dict[str, _Stored] = {}
        self._numbers = itertools.count(1)
        self._changed = asyncio.Condition()
        self._cancelled: list[tuple[float, float]] = []

    def sent_to(self, queue_name: str) -> list[str]:
        """The bodies of what was sent to a queue."""
        return [body for name, body in self.sent if name == queue_name]

    async def add(
        self,
        body: str,
        message_id: str | None = None,
        *,
        attributes: Mapping[str, str] = MappingProxyType({}),
        delay: float = 0,
    ) -> str:
        """Put a message into the queue from which this receives, hidden for `delay` seconds; returns its id."""
        visible_at = self._now() + delay
        made = _Stored(message_id or f"m{next(self._numbers)}", body, attributes, visible_at=visible_at)
        async with self._changed:
            self._stored[made.id] = made
            self._give_to_cancelled_receive(made)
            self._changed.notify_all()
        return made.id

    async def receive(self, most: int, wait: int, visibility: float) -> list[Message]:
        self._fail()
        clock = self._now
        end = clock() + wait
        while not (visible := [each for each in self._stored.values() if each.visible_at <= clock()]):
            if clock() >= end:
                return []
            try:
                await self._until_changed(min([end, *(each.visible_at for each in self._stored.values())]) - clock())
            except asyncio.CancelledError:
                self._cancelled.append((end, visibility))
                raise
        return [each.deliver(clock() + visibility) for each in visible[:most]]

    async def delete(self, receipts: Sequence[str]) -> list[str]:
        self._fail()
        found = {receipt: self._of(receipt) for receipt in receipts}
        for stored in found.values():
            if stored is not None:
                self._stored.pop(stored.id, None)
        return [receipt for receipt, stored in found.items() if stored is None]

    async def extend(self, receipts: Sequence[str], seconds: float) -> list[str]:
        self._fail()
        found = {receipt: self._of(receipt) for receipt in receipts}
        async with self._changed:
            for stored in found.values():
                if stored is not None:
                    stored.visible_at = self._now() + seconds
            self._changed.notify_all()
        return [receipt for receipt, stored in found.items() if stored is None]

    async def send(
        self, queue_name: str, body: str, attributes: Mapping[str, str] | None = None, *, delay: int = 0
    ) -> str:
        self._fail()
        self.sent.append((queue_name, body))
        if queue_name != self.name:
            return f"m{next(self._numbers)}"
        return await self.add(body, attributes=attributes or {}, delay=delay)

    def _give_to_cancelled_receive(self, stored: _Stored) -> None:
        now = self._now()
        self._cancelled = [each for each in self._cancelled if each[0] > now]
        if self._cancelled:
            stored.deliver(now + self._cancelled.pop()[1])

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _fail(self) -> None:
        if self.error:
            raise self.error

    def _of(self, receipt: str) -> _Stored | None:
        return next((each for each in self._stored.values() if receipt in each.receipts), None)

    async def _until_changed(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait()
