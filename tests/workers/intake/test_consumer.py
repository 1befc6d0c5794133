"""The queue's loop over a queue in memory."""

import asyncio

import pytest

from airlock.errors import Unavailable
from aws.sqs.answers import Message
from tests.workers.intake.consuming import ObservedQueue, always, consuming
from workers.intake import consumer as module
from workers.intake.disposition import Bury, Disposition, Done, Retry, Wait


async def test_each_disposition_is_acted_on() -> None:
    dispositions: dict[str, Disposition] = {"done": Done(), "retry": Retry(1.2), "bury": Bury("because " + "x" * 2000)}

    async def execute(message: Message) -> Disposition:
        return dispositions[message.id]

    queue = ObservedQueue()
    async with consuming(queue, execute):
        await queue.put(*dispositions)
        await queue.called("delete", "r-done")
        await queue.called("extend", "r-retry", 2)
        await queue.called("delete", "r-bury")
    assert queue.calls.index(("send", "dead", "bury", ("because " + "x" * 2000)[:1000])) < queue.calls.index(
        ("delete", "r-bury")
    )
    assert ("delete", "r-retry") not in queue.calls


@pytest.mark.parametrize("refused", [False, True])
async def test_what_waits_is_sent_again_and_costs_an_attempt_only_where_it_cannot_be(refused: bool) -> None:
    seen: list[Message] = []
    twice = asyncio.Event()

    async def execute(message: Message) -> Disposition:
        seen.append(message)
        if len(seen) == 1:
            return Wait(0.0, 1_790_000_000)
        twice.set()
        return Done()

    queue = ObservedQueue()
    queue.refuses |= {"send"} if refused else set()
    async with consuming(queue, execute):
        await queue.put("a")
        await queue.called("delete", "r-a-2" if refused else "r-a")
        await asyncio.wait_for(twice.wait(), 20)
    again = seen[1]
    assert (again.body, again.receive_count) == ("a", 2 if refused else 1)
    assert again.attributes == ({} if refused else {"airlock-waiting-since": "1790000000"})


async def test_no_more_is_received_than_there_are_free_slots() -> None:
    hold, full = asyncio.Event(), asyncio.Event()
    begun: list[str] = []

    async def execute(message: Message) -> Disposition:
        begun.append(message.id)
        if len(begun) == 3:
            full.set()
        await hold.wait()
        return Done()

    queue = ObservedQueue()
    async with consuming(queue, execute, concurrency=3):
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

    queue = ObservedQueue()
    queue.refuses.add("extend")
    async with consuming(queue, execute, visibility=0.03):  # type: ignore[arg-type]
        await queue.put("a")
        await queue.called("extend", "r-a", 0.03)
        queue.calls.clear()
        await queue.called("extend", "r-a", 0.03)
        hold.set()
        await queue.called("delete", "r-a")


async def test_a_receive_that_fails_is_made_again_and_then_the_consumer_is_alive() -> None:
    queue = ObservedQueue()
    queue.failures = [Unavailable("sqs", "cannot be reached"), ValueError("a bug")]
    async with consuming(queue, always(Done())) as consumer:
        await queue.called("failed")
        await queue.put("a")
        await queue.called("delete", "r-a")
        assert consumer.alive


@pytest.mark.parametrize("disposition", [Retry(1), Bury("x")])
async def test_a_disposition_that_cannot_be_acted_on_stops_no_other_message(disposition: Disposition) -> None:
    async def execute(message: Message) -> Disposition:
        return disposition if message.id == "a" else Done()

    queue = ObservedQueue()
    queue.refuses |= {"send", "extend"}
    async with consuming(queue, execute):
        await queue.put("a", "b")
        await queue.called("delete", "r-b")
    assert ("delete", "r-a") not in queue.calls


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
    queue, engines = ObservedQueue(), Engines()
    await queue.put("one")
    async with consuming(queue, always(Done()), engines=engines) as consumer:
        await engines.asked(3)
        assert queue.receives == []
        assert consumer.alive
        engines.unavailable = False
        await queue.called("delete", "r-one")


async def test_after_an_attempt_that_failed_the_engines_are_asked_before_the_next_receive() -> None:
    queue, engines = ObservedQueue(), Engines()
    engines.unavailable = False
    begun: list[str] = []

    async def execute(message: Message) -> Disposition:
        begun.append(message.id)
        engines.unavailable = message.id == "one"
        return Retry(1) if message.id == "one" else Done()

    async with consuming(queue, execute, concurrency=1, engines=engines):
        await queue.put("one", "two")
        await queue.called("extend", "r-one", 1)
        await engines.asked(3)
        assert begun == ["one"]
        engines.unavailable = False
        await queue.called("delete", "r-two")
