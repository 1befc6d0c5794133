"""A consumer that is stopped: what is in flight is finished in time or given back."""

import asyncio

import pytest

from airlock.backoff import Backoff
from airlock.errors import Unavailable
from aws.sqs.answers import Message
from tests.workers.intake.consuming import ObservedQueue, always, consuming
from workers.intake import consumer
from workers.intake.consumer import Limits
from workers.intake.disposition import Disposition, Done


async def test_draining_finishes_what_is_in_flight_and_acknowledges_it() -> None:
    hold, begun = asyncio.Event(), asyncio.Event()

    async def execute(message: Message) -> Disposition:
        begun.set()
        await hold.wait()
        return Done()

    queue = ObservedQueue()
    async with consuming(queue, execute):
        await queue.put("a")
        await begun.wait()
        asyncio.get_running_loop().call_later(0.05, hold.set)
    assert ("delete", "r-a") in queue.calls
    assert not any(call[0] == "extend" for call in queue.calls)


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_what_comes_after_a_worker_has_ended_is_not_given_to_its_last_poll(concurrency: int) -> None:
    """SQS would give it to a poll that was broken off, and hide it from all other workers."""
    queue = ObservedQueue()
    async with consuming(queue, always(Done()), poll=0.3, concurrency=concurrency):
        await queue.put("a")
        await queue.called("delete", "r-a")
        await queue.polled(2)
    await queue.put("late")
    assert [message.id for message in await queue.receive(1, 0, 60)] == ["late"]


async def test_no_poll_is_longer_than_the_drain_time() -> None:
    assert [Limits(1, 60, 20, drain).longest_poll for drain in (25, 20, 8, 0)] == [20, 19, 7, 1]
    assert Limits(1, 60, 0, 25).longest_poll == 0


@pytest.mark.parametrize("closed", ["gate", "queue"])
async def test_a_pause_after_a_failure_does_not_delay_the_end(closed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "BACKOFF", Backoff(first=3600, longest=3600))
    queue = ObservedQueue()
    asked = asyncio.Event()

    async def engines() -> None:
        asked.set()
        if closed == "gate":
            raise Unavailable("clamd", "cannot be reached")

    queue.error = Unavailable("sqs", "cannot be reached")
    async with consuming(queue, always(Done()), engines=engines, uniform=lambda _, high: high):
        await asked.wait()


async def test_draining_keeps_heartbeats_alive() -> None:
    hold, begun = asyncio.Event(), asyncio.Event()

    async def execute(message: Message) -> Disposition:
        begun.set()
        await hold.wait()
        return Done()

    queue = ObservedQueue()

    async def release() -> None:
        await queue.called("extend", "r-a", 0.6)
        hold.set()

    async with consuming(queue, execute, visibility=0.6):  # type: ignore[arg-type]
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

    queue = ObservedQueue()
    async with consuming(queue, execute, drain=0.01):
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

    queue = ObservedQueue()
    async with consuming(queue, execute, concurrency=1, drain=0):
        await queue.put("a")
        await begun.wait()
    assert queue.calls == [("extend", "r-a", 0)]


async def test_messages_of_the_last_poll_are_given_back_at_once_while_draining() -> None:
    hold, begun = asyncio.Event(), asyncio.Event()

    async def execute(message: Message) -> Disposition:
        begun.set()
        await hold.wait()
        return Done()

    queue = ObservedQueue()

    async def put_more() -> None:
        await queue.put("late")
        await queue.called("extend", "r-late", 0)
        hold.set()

    async with consuming(queue, execute, poll=0.5):
        await queue.put("a")
        await begun.wait()
        await queue.polled(2)
        # Runs only after the consumer was stopped.
        tasks: list[asyncio.Task[None]] = []
        asyncio.get_running_loop().call_later(0.05, lambda: tasks.append(asyncio.create_task(put_more())))
    await asyncio.gather(*tasks)
    assert ("delete", "r-a") in queue.calls
    assert ("delete", "r-late") not in queue.calls
