"""The queue's loop against a queue in memory, whose every call can be awaited."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

import pytest

from airlock.errors import Unavailable
from aws.sqs.queue import Message
from workers.intake import consumer as module
from workers.intake.consumer import Consumer, Limits
from workers.intake.disposition import Bury, Disposition, Done, Retry
from workers.intake.gate import Gate


def _messages(*names: str) -> list[Message]:
    return [Message(name, f"r-{name}", name, 1) for name in names]


class Memory:
    """A queue that hands out what is `put` and writes down every other call."""

    def __init__(self) -> None:
        self._waiting: list[Message] = []
        self._changed = asyncio.Condition()
        self.asked: list[int] = []
        self.calls: list[tuple[object, ...]] = []
        self.away: list[Exception] = []
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
        """Wait until it was asked for messages that often."""
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(lambda: len(self.asked) >= times)

    async def receive(self, most: int, wait: int, visibility: int) -> list[Message]:
        async with self._changed:
            self.asked.append(most)
            self._changed.notify_all()
        if self.away:
            await self._note("away")
            raise self.away.pop(0)
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
            raise Unavailable("sqs", "away")
        return []

    async def send(self, queue_name: str, body: str, attributes: Mapping[str, str] | None = None) -> str:
        await self._note("send", queue_name, body, (attributes or {})["airlock-reason"])
        if "send" in self.refuses:
            raise Unavailable("sqs", "away")
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


async def test_each_disposition_has_its_answer_to_the_queue() -> None:
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
    assert queue.asked[0] == 3
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


async def test_a_queue_that_is_away_is_asked_again_and_readiness_tells() -> None:
    queue = Memory()
    queue.away = [Unavailable("sqs", "away"), ValueError("a bug")]
    async with _consuming(queue, _always(Done())) as consumer:
        await queue.called("away")
        await queue.put("a")
        await queue.called("delete", "r-a")
        assert consumer.alive


@pytest.mark.parametrize("disposition", [Retry(1), Bury("x")])
async def test_a_disposition_that_the_queue_does_not_take_stops_nothing(disposition: Disposition) -> None:
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


@pytest.mark.parametrize("away", [False, True])
async def test_what_does_not_finish_in_time_is_given_back(away: bool) -> None:
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
        if away:
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


async def test_what_the_last_poll_brings_while_draining_is_given_back_at_once() -> None:
    hold, begun = asyncio.Event(), asyncio.Event()

    async def execute(message: Message) -> Disposition:
        begun.set()
        await hold.wait()
        return Done()

    queue = Memory()

    async def bring_more() -> None:
        await queue.put("late")
        await queue.called("extend", "r-late", 0)
        hold.set()

    async with _consuming(queue, execute):
        await queue.put("a")
        await begun.wait()
        await queue.polled(2)
        # Begins to run once the consumer was told to stop.
        tasks: list[asyncio.Task[None]] = []
        asyncio.get_running_loop().call_later(0.05, lambda: tasks.append(asyncio.create_task(bring_more())))
    await asyncio.gather(*tasks)
    assert ("delete", "r-a") in queue.calls
    assert ("delete", "r-late") not in queue.calls


def test_a_batch_is_what_sqs_gives() -> None:
    assert module.BATCH == 10


class Engines:
    """Engines that are away until they are back; each look at them can be awaited."""

    def __init__(self) -> None:
        self.away = True
        self._looks = asyncio.Semaphore(0)

    async def __call__(self) -> None:
        self._looks.release()
        if self.away:
            raise Unavailable("clamd", "cannot be reached")

    async def looked_at(self, times: int) -> None:
        async with asyncio.timeout(20):
            for _ in range(times):
                await self._looks.acquire()


async def test_while_an_engine_is_away_no_message_is_taken() -> None:
    queue, engines = Memory(), Engines()
    await queue.put("one")
    async with _consuming(queue, _always(Done()), engines=engines) as consumer:
        await engines.looked_at(3)
        assert queue.asked == []
        assert consumer.alive
        engines.away = False
        await queue.called("delete", "r-one")


async def test_after_a_try_that_failed_the_engines_are_asked_before_more_is_taken() -> None:
    queue, engines = Memory(), Engines()
    engines.away = False
    begun: list[str] = []

    async def execute(message: Message) -> Disposition:
        begun.append(message.id)
        engines.away = message.id == "one"
        return Retry(1) if message.id == "one" else Done()

    async with _consuming(queue, execute, concurrency=1, engines=engines):
        await queue.put("one", "two")
        await queue.called("extend", "r-one", 1)
        await engines.looked_at(3)
        assert begun == ["one"]
        engines.away = False
        await queue.called("delete", "r-two")
