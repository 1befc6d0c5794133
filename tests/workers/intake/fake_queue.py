"""A queue in memory, each call of which a test can wait for, and a consumer of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from airlock.errors import Unavailable
from aws.sqs.answers import Message
from workers.intake.consumer import Consumer, Limits
from workers.intake.disposition import Disposition
from workers.intake.gate import Gate


def _messages(*names: str) -> list[Message]:
    return [Message(name, f"r-{name}", name, 1) for name in names]


class FakeQueue:
    """A queue that gives out the messages that were `put`, and records every other call."""

    def __init__(self) -> None:
        self._waiting: list[Message] = []
        self._changed = asyncio.Condition()
        self.receives: list[int] = []
        self.calls: list[tuple[object, ...]] = []
        self.failures: list[Exception] = []
        self.refuses: set[str] = set()

    async def put(self, *names: str) -> None:
        async with self._changed:
            self._waiting += _messages(*names)
            self._changed.notify_all()

    async def called(self, *call: object) -> None:
        """Wait until that call was made."""
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(lambda: call in self.calls)

    async def polled(self, times: int) -> None:
        """Wait until so many receives were made."""
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(lambda: len(self.receives) >= times)

    async def receive(self, most: int, wait: int, visibility: int) -> list[Message]:
        async with self._changed:
            self.receives.append(most)
            self._changed.notify_all()
        if self.failures:
            await self._note("failed")
            raise self.failures.pop(0)
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting)
            taken, self._waiting = self._waiting[:most], self._waiting[most:]
            return taken

    async def delete(self, receipts: Sequence[str]) -> list[str]:
        for receipt in receipts:
            await self._note("delete", receipt)
        return []

    async def extend(self, receipts: Sequence[str], seconds: int) -> list[str]:
        for receipt in receipts:
            await self._note("extend", receipt, seconds)
        if "extend" in self.refuses:
            raise Unavailable("sqs", "cannot be reached")
        return []

    async def send(self, queue_name: str, body: str, attributes: Mapping[str, str] | None = None) -> str:
        await self._note("send", queue_name, body, (attributes or {})["airlock-reason"])
        if "send" in self.refuses:
            raise Unavailable("sqs", "cannot be reached")
        return "id"

    async def _note(self, *call: object) -> None:
        async with self._changed:
            self.calls.append(call)
            self._changed.notify_all()


Execute = Callable[[Message], Awaitable[Disposition]]


@contextlib.asynccontextmanager
async def consuming(
    queue: FakeQueue,
    execute: Execute,
    *,
    concurrency: int = 4,
    visibility: int = 3600,
    drain: float = 20,
    engines: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[Consumer]:
    stop = asyncio.Event()
    limits = Limits(concurrency, visibility, 1, drain)
    gate = Gate(engines or engines_ready)
    consumer = Consumer(queue, execute, "dead", limits, gate, uniform=lambda low, high: 0.0)
    task = asyncio.create_task(consumer.run(stop))
    try:
        yield consumer
    finally:
        stop.set()
        async with asyncio.timeout(20):
            await task
        assert not consumer.alive


async def engines_ready() -> None:
    return


def always(disposition: Disposition) -> Execute:
    async def execute(message: Message) -> Disposition:
        return disposition

    return execute
