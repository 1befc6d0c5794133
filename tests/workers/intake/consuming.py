"""A consumer of a queue in memory, each call of which a test can wait for."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from airlock.callables import Uniform
from airlock.errors import Unavailable
from aws.sqs.answers import Message
from tests.fake_queue import FakeQueue
from workers.intake.consumer import Consumer, Limits
from workers.intake.disposition import Disposition
from workers.intake.gate import Gate


class ObservedQueue(FakeQueue):
    """Records every call, so that a test can wait for one. `failures` are raised by the next receives.

    Calls that `refuses` names raise Unavailable.
    """

    def __init__(self) -> None:
        super().__init__()
        self._noted = asyncio.Condition()
        self.receives: list[int] = []
        self.calls: list[tuple[object, ...]] = []
        self.failures: list[Exception] = []
        self.refuses: set[str] = set()

    async def put(self, *names: str) -> None:
        """Put messages into the queue, each with its name as id and body."""
        for name in names:
            await self.add(name, name)

    async def called(self, *call: object) -> None:
        """Wait until that call was made."""
        async with asyncio.timeout(20), self._noted:
            await self._noted.wait_for(lambda: call in self.calls)

    async def polled(self, times: int) -> None:
        """Wait until so many receives were made."""
        async with asyncio.timeout(20), self._noted:
            await self._noted.wait_for(lambda: len(self.receives) >= times)

    async def receive(self, most: int, wait: int, visibility: float) -> list[Message]:
        async with self._noted:
            self.receives.append(most)
            self._noted.notify_all()
        if self.failures:
            await self._note("failed")
            raise self.failures.pop(0)
        return await super().receive(most, wait, visibility)

    async def delete(self, receipts: Sequence[str]) -> list[str]:
        failed = await super().delete(receipts)
        for receipt in receipts:
            await self._note("delete", receipt)
        return failed

    async def extend(self, receipts: Sequence[str], seconds: float) -> list[str]:
        for receipt in receipts:
            await self._note("extend", receipt, seconds)
        self._refuse("extend")
        return await super().extend(receipts, seconds)

    async def send(
        self, queue_name: str, body: str, attributes: Mapping[str, str] | None = None, *, delay: int = 0
    ) -> str:
        reason = (attributes or {}).get("airlock-reason", "")
        await self._note("send", queue_name, body, reason or delay)
        self._refuse("send")
        return await super().send(queue_name, body, attributes, delay=delay)

    def _refuse(self, call: str) -> None:
        if call in self.refuses:
            raise Unavailable("sqs", "cannot be reached")

    async def _note(self, *call: object) -> None:
        async with self._noted:
            self.calls.append(call)
            self._noted.notify_all()


Execute = Callable[[Message], Awaitable[Disposition]]


@contextlib.asynccontextmanager
async def consuming(
    queue: ObservedQueue,
    execute: Execute,
    *,
    concurrency: int = 4,
    visibility: int = 3600,
    drain: float = 20,
    poll: float = 0.01,
    engines: Callable[[], Awaitable[None]] | None = None,
    uniform: Uniform = lambda low, high: 0.0,
) -> AsyncIterator[Consumer]:
    stop = asyncio.Event()
    limits = Limits(concurrency, visibility, poll, drain)  # type: ignore[arg-type]  # so that a test need not wait
    gate = Gate(engines or engines_ready)
    consumer = Consumer(queue, execute, "dead", limits, gate, uniform=uniform)
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
