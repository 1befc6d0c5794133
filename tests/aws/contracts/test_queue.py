"""The queue of service and workers: `service.ports.Queue` and `workers.intake.consumer.Queue`."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from airlock.errors import Unavailable
from aws.clients import connect
from aws.settings import AwsSettings
from aws.sqs.answers import Message
from aws.sqs.queue import Queue as Adapter
from tests.fake_queue import FakeQueue
from workers.intake.consumer import Queue

NAME = "objects"


@pytest.fixture
async def queue(settings_or_fake: AwsSettings | None) -> AsyncIterator[Queue]:
    """An empty queue. Its name is the fixture `name`."""
    if settings_or_fake is None:
        yield FakeQueue(NAME)
        return
    async with (
        connect(settings_or_fake, services=("sqs",)) as clients,
        Adapter.open(settings_or_fake, clients) as opened,
    ):
        yield opened


@pytest.fixture
def name(settings_or_fake: AwsSettings | None) -> str:
    return settings_or_fake.queue if settings_or_fake else NAME


@pytest.fixture
def other(settings_or_fake: AwsSettings | None) -> str:
    """Another queue."""
    return settings_or_fake.dead_letter_queue if settings_or_fake else "dead-letters"


async def take(queue: Queue, count: int, visibility: int = 30) -> list[Message]:
    taken: list[Message] = []
    while len(taken) < count:
        taken += await queue.receive(10, 1, visibility)
    return taken


async def test_what_is_sent_is_received_once_while_it_is_hidden(queue: Queue, name: str) -> None:
    sent = {await queue.send(name, str(number)): str(number) for number in range(3)}
    taken = await take(queue, 3)
    assert {message.id: message.body for message in taken} == sent
    assert {message.receive_count for message in taken} == {1}
    assert len({message.receipt for message in taken}) == 3
    assert await queue.receive(10, 0, 30) == []


async def test_no_more_messages_are_received_than_were_requested(queue: Queue, name: str) -> None:
    for number in range(3):
        await queue.send(name, str(number))
    assert len(await queue.receive(1, 1, 30)) == 1


async def test_an_empty_queue_gives_no_messages(queue: Queue) -> None:
    assert await queue.receive(10, 0, 30) == []


async def test_a_receive_waits_for_a_message(queue: Queue, name: str) -> None:
    waiting = asyncio.create_task(queue.receive(10, 20, 30))
    await asyncio.sleep(0.1)  # a server does not report when a poll has arrived
    await queue.send(name, "body")
    assert [message.body for message in await waiting] == ["body"]


async def test_what_is_sent_to_another_queue_is_not_received(queue: Queue, other: str) -> None:
    await queue.send(other, "body", {"airlock-reason": "because"})
    assert await queue.receive(10, 0, 30) == []


@pytest.mark.slow
async def test_deleted_messages_do_not_come_again_and_unknown_receipts_are_returned(queue: Queue, name: str) -> None:
    await queue.send(name, "body")
    (message,) = await take(queue, 1, visibility=1)
    assert await queue.delete([message.receipt, "no receipt"]) == ["no receipt"]
    await asyncio.sleep(1.2)  # SQS has no event for the end of a message's invisibility
    assert await queue.receive(10, 0, 30) == []


async def test_a_message_that_is_given_back_is_delivered_again_and_counted(queue: Queue, name: str) -> None:
    await queue.send(name, "body")
    (first,) = await take(queue, 1)
    assert await queue.extend([first.receipt, "no receipt"], 0) == ["no receipt"]
    (second,) = await take(queue, 1)
    assert (second.id, second.body, second.receive_count) == (first.id, first.body, 2)
    assert second.receipt != first.receipt
    assert await queue.delete([second.receipt]) == []


@pytest.mark.slow
async def test_a_message_is_delivered_again_after_its_visibility_timeout(queue: Queue, name: str) -> None:
    await queue.send(name, "body")
    (first,) = await take(queue, 1, visibility=1)
    (second,) = await take(queue, 1)
    assert (second.id, second.receive_count) == (first.id, 2)


@pytest.mark.slow
async def test_an_extended_message_stays_hidden(queue: Queue, name: str) -> None:
    await queue.send(name, "body")
    (message,) = await take(queue, 1, visibility=1)
    assert await queue.extend([message.receipt], 600) == []
    await asyncio.sleep(1.2)  # as above
    assert await queue.receive(10, 0, 30) == []


@pytest.mark.slow
async def test_what_is_sent_with_a_delay_comes_after_it_with_its_attributes(queue: Queue, name: str) -> None:
    await queue.send(name, "body", {"airlock-waiting-since": "1790000000"}, delay=1)
    assert await queue.receive(10, 0, 30) == []
    (message,) = await take(queue, 1)
    assert (message.body, message.receive_count) == ("body", 1)
    assert message.attributes == {"airlock-waiting-since": "1790000000"}


async def test_an_empty_batch_fails_nowhere(queue: Queue) -> None:
    assert await queue.delete([]) == []
    assert await queue.extend([], 30) == []


async def test_a_queue_that_cannot_be_reached_is_unavailable(settings_or_fake: AwsSettings | None) -> None:
    if settings_or_fake is None:
        fake = FakeQueue()
        fake.error = Unavailable("sqs", "cannot be reached")
        await _is_unavailable(fake)
        return
    missing = settings_or_fake.model_copy(update={"queue": "nowhere"})
    async with connect(missing, services=("sqs",)) as clients, Adapter.open(missing, clients) as opened:
        await _is_unavailable(opened)


async def _is_unavailable(queue: Queue) -> None:
    for call in (queue.receive(1, 0, 30), queue.delete(["r"]), queue.extend(["r"], 1), queue.send("nowhere", "body")):
        with pytest.raises(Unavailable) as caught:
            await call
        assert caught.value.dependency == "sqs"
