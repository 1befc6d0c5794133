"""The queue's loop against a queue in memory, whose every call can be awaited."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

import pytest

from airlock.errors import Unavailable
from aws.sqs.answers import Message
from workers.intake import consumer as module
from workers.intake.consumer import Consumer, Limits
from workers.intake.disposition import Bury, Disposition, Done, Retry
from workers.intake.gate import Gate


def _messages(*names: str) -> list[Message]:
    return [Message(name, f"r-{name}", name, 1) for name in names]


class Memory:
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
async def _consuming(
    queue: Memory,
    execute: Execute,
    *,
    concurrency: int = 4,
    visibility: int = 3600,
    drain: float = 20,
    engines: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[Consumer]:
    stop = asyncio.Event()
    limits = Limits(concurrency, visibility, 1, drain)
    gate = Gate(engines or _all_there)
    consumer = Consumer(queue, execute, "dead", limits, gate, uniform=lambda low, high: 0.0)
    task = asyncio.create_task(consumer.run(stop))
    try:
        yield consumer
    finally:
        stop.set()
        async with asyncio.timeout(20):
            await task
        assert not consumer.alive


async def _all_there() -> None:
    return


def _always(disposition: Disposition) -> Execute:
    async def execute(message: Message) -> Disposition:
        return disposition

    return execute


async def test_each_disposition_is_acted_on() -> None:
    dispositions: dict[str, Disposition] = {"done": Done(), "retry": Retry(1.2), "bury": Bury("because " + "x" * 2000)}

    async def execute(message: Message) -> Disposition:
        return dispositions[message.id]

    queue = Memory()
    async with _consuming(queue, execute):
        await queue.put(*dispositions)
        await queue.called("delete", "r-done")
        await queue.called("extend", "r-retry", 2)
        await queue.called("delete", "r-bury")
    assert queue.calls.index(("send", "dead", "bury", ("because " + "x" * 2000)[:1000])) < queue.calls.index(
        ("delete", "r-bury")
    )
    assert ("delete", "r-retry") not in queue.calls


async def test_no_more_is_received_than_there_are_free_slots() -> None:
    hold, full = asyncio.Event(), asyncio.Event()
    begun: list[str] = []

    async def execute(message: Message) -> Disposition:
        begun.append(message.id)
        if len(begun) == 3:
            full.set()
        await hold.wait()
        return Done()

    queue = Memory()
    async with _consuming(queue, execute, concurrency=3):
        await queue.put("a", "b")
        await queue.put("c", "d", "e")
        await asyncio.wait_for(full.wait(), 20)
        hold.set()
        for name in "abcde":
            await queue.called("delete", f"r-{name}")
    assert queue.receives[0] == 3
    assert begun[:3] == ["a", "b", "c"]


async def test_what_is_in_flight_is_kept_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    hold = asyncio.Event()

    async def execute(message: Message) -> Disposition:
        await hold.wait()
        return Done()

    queue = Memory()
    queue.refuses.add("extend")
    async with _consuming(queue, execute, visibility=0.03):  # type: ignore[arg-type]
        await queue.put("a")
        await queue.called("extend", "r-a", 0.03)
        queue.calls.clear()
        await queue.called("extend", "r-a", 0.03)
        hold.set()
        await queue.called("delete", "r-a")


async def test_a_receive_that_fails_is_made_again_and_then_the_consumer_is_alive() -> None:
    queue = Memory()
    queue.failures = [Unavailable("sqs", "cannot be reached"), ValueError("a bug")]
    async with _consuming(queue, _always(Done())) as consumer:
        await queue.called("failed")
        await queue.put("a")
        await queue.called("delete", "r-a")
        assert consumer.alive


@pytest.mark.parametrize("disposition", [Retry(1), Bury("x")])
async def test_a_disposition_that_cannot_be_acted_on_stops_no_other_message(disposition: Disposition) -> None:
    async def execute(message: Message) -> Disposition:
        return disposition if message.id == "a" else Done()

    queue = Memory()
    queue.refuses |= {"send", "extend"}
    async with _consuming(queue, execute):
        await queue.put("a", "b")
        await queue.called("delete", "r-b")
    assert ("delete", "r-a") not in queue.calls


async def test_draining_finishes_what_is_in_flight_and_acknowledges_it() -> None:
    hold, begun = asyncio.Event(), asyncio.Event()

    async def execute(message: Message) -> Disposition:
        begun.set()
        await hold.wait()
        return Done()

    queue = Memory()
    async with _consuming(queue, execute):
        await queue.put("a")
        await begun.wait()
        asyncio.get_running_loop().call_later(0.05, hold.set)
    assert ("delete", "r-a") in queue.calls
    assert not any(call[0] == "extend" for call in queue.calls)


async def test_draining_keeps_heartbeats_alive() -> None:
    hold, begun = asyncio.Event(), asyncio.Event()

    async def execute(message: Message) -> Disposition:
        begun.set()
        await hold.wait()
        return Done()

    queue = Memory()

    async def release() -> None:
        await queue.called("extend", "r-a", 0.6)
        hold.set()

    async with _consuming(queue, execute, visibility=0.6):  # type: ignore[arg-type]
        await queue.put("a")
        await begun.wait()
        queue.calls.clear()
        waiting = asyncio.create_task(release())
    await waiting
    assert ("delete", "r-a") in queue.calls


@pytest.mark.parametrize("unavailable", [False, True])
async def test_what_does_not_finish_in_time_is_given_back(unavailable: bool) -> None:
    begun = asyncio.Event()
    cancelled: list[str] = []

    async def execute(message: Message) -> Disposition:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(message.id)
        return Done()

    queue = Memory()
    async with _consuming(queue, execute, drain=0.01):
        await queue.put("a")
        await begun.wait()
        if unavailable:
            queue.refuses.add("extend")
    assert cancelled == ["a"]
    assert queue.calls == [("extend", "r-a", 0)]


async def test_stopping_while_all_slots_are_taken_does_not_wait_for_one() -> None:
    begun = asyncio.Event()

    async def execute(message: Message) -> Disposition:
        begun.set()
        await asyncio.Event().wait()
        return Done()

    queue = Memory()
    async with _consuming(queue, execute, concurrency=1, drain=0):
        await queue.put("a")
        await begun.wait()
    assert queue.calls == [("extend", "r-a", 0)]


async def test_messages_of_the_last_poll_are_given_back_at_once_while_draining() -> None:
    hold, begun = asyncio.Event(), asyncio.Event()

    async def execute(message: Message) -> Disposition:
        begun.set()
        await hold.wait()
        return Done()

    queue = Memory()

    async def put_more() -> None:
        await queue.put("late")
        await queue.called("extend", "r-late", 0)
        hold.set()

    async with _consuming(queue, execute):
        await queue.put("a")
        await begun.wait()
        await queue.polled(2)
        # Runs only after the consumer was stopped.
        tasks: list[asyncio.Task[None]] = []
        asyncio.get_running_loop().call_later(0.05, lambda: tasks.append(asyncio.create_task(put_more())))
    await asyncio.gather(*tasks)
    assert ("delete", "r-a") in queue.calls
    assert ("delete", "r-late") not in queue.calls


def test_a_batch_is_the_most_that_sqs_gives() -> None:
    assert module.BATCH == 10


class Engines:
    """Engines that are `unavailable` or not. A test can wait until they were asked."""

    def __init__(self) -> None:
        self.unavailable = True
        self._asked = asyncio.Semaphore(0)

    async def __call__(self) -> None:
        self._asked.release()
        if self.unavailable:
            raise Unavailable("clamd", "cannot be reached")

    async def asked(self, times: int) -> None:
        async with asyncio.timeout(20):
            for _ in range(times):
                await self._asked.acquire()


async def test_while_an_engine_is_unavailable_no_message_is_received() -> None:
    queue, engines = Memory(), Engines()
    await queue.put("one")
    async with _consuming(queue, _always(Done()), engines=engines) as consumer:
        await engines.asked(3)
        assert queue.receives == []
        assert consumer.alive
        engines.unavailable = False
        await queue.called("delete", "r-one")


async def test_after_an_attempt_that_failed_the_engines_are_asked_before_the_next_receive() -> None:
    queue, engines = Memory(), Engines()
    engines.unavailable = False
    begun: list[str] = []

    async def execute(message: Message) -> Disposition:
        begun.append(message.id)
        engines.unavailable = message.id == "one"
        return Retry(1) if message.id == "one" else Done()

    async with _consuming(queue, execute, concurrency=1, engines=engines):
        await queue.put("one", "two")
        await queue.called("extend", "r-one", 1)
        await engines.asked(3)
        assert begun == ["one"]
        engines.unavailable = False
        await queue.called("delete", "r-two")
