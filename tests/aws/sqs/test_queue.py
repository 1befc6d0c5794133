"""The queue against moto and the emulator, compared with what aiobotocore receives."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

from airlock.errors import Unavailable
from aws.clients import Clients, connect
from aws.settings import AwsSettings
from aws.sqs.answers import Message
from aws.sqs.queue import Queue

if TYPE_CHECKING:
    from types_aiobotocore_sqs import SQSClient

BODIES = [
    "plain",
    '{"Records": [{"s3": {"object": {"key": "a+b%20c"}}}]}',
    "<Message><Body>&amp; &lt; ]]> <![CDATA[x]]> <!-- --> <?pi?></Body></Message>",
    "  leading, trailing and\ttabs \n new lines \n",
    "ünïcödé ☃ 🎉 \u2028 \u00a0 \u202e",
    "\"'",
    " ",
    "x" * 100_000,
]


@pytest.fixture
async def clients(aws_settings: AwsSettings) -> AsyncIterator[Clients]:
    async with connect(aws_settings, services=("sqs",)) as clients:
        yield clients


@pytest.fixture
def sqs(clients: Clients) -> "SQSClient":
    return clients.sqs


@pytest.fixture
async def queue(aws_settings: AwsSettings, clients: Clients) -> AsyncIterator[Queue]:
    async with Queue.open(aws_settings, clients) as queue:
        yield queue


async def take(queue: Queue, count: int, visibility: int = 30) -> list[Message]:
    taken: list[Message] = []
    while len(taken) < count:
        taken += await queue.receive(10, 1, visibility)
    return taken


async def depth(sqs: "SQSClient", name: str) -> tuple[int, int]:
    """How many messages can be seen, and how many are hidden."""
    url = (await sqs.get_queue_url(QueueName=name))["QueueUrl"]
    answer = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    seen, hidden = (int(answer["Attributes"][name]) for name in names)  # type: ignore[index]  # names of SQS's
    return seen, hidden


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
async def test_a_message_is_the_same_as_aiobotocores(
    aws_settings: AwsSettings, clients: Clients, queue: Queue, sqs: "SQSClient", body: str
) -> None:
    sent = await queue.send(aws_settings.queue, body, {"airlock-reason": "because"})
    url = (await sqs.get_queue_url(QueueName=aws_settings.queue))["QueueUrl"]
    asked: Any = {"QueueUrl": url, "AttributeNames": ["ApproximateReceiveCount"], "VisibilityTimeout": 0}
    (theirs,) = (await sqs.receive_message(**asked))["Messages"]
    assert (theirs["MessageId"], theirs["Body"], theirs["Attributes"]) == (sent, body, {"ApproximateReceiveCount": "1"})
    (ours,) = await queue.receive(1, 1, 30)
    assert (ours.id, ours.body, ours.receive_count) == (sent, body, 2)


async def test_ten_messages_are_received(aws_settings: AwsSettings, queue: Queue) -> None:
    sent = {await queue.send(aws_settings.queue, str(number)): str(number) for number in range(10)}
    taken = await take(queue, 10)
    assert {message.id: message.body for message in taken} == sent
    assert len({message.receipt for message in taken}) == 10


async def test_messages_are_deleted_and_bad_receipts_are_returned(
    aws_settings: AwsSettings, queue: Queue, sqs: "SQSClient"
) -> None:
    for number in range(3):
        await queue.send(aws_settings.queue, str(number))
    receipts = [message.receipt for message in await take(queue, 3)]
    assert await queue.delete([receipts[0], "no receipt", *receipts[1:]]) == ["no receipt"]
    assert await depth(sqs, aws_settings.queue) == (0, 0)


async def test_more_than_ten_are_deleted_in_several_requests(
    aws_settings: AwsSettings, queue: Queue, sqs: "SQSClient"
) -> None:
    for number in range(12):
        await queue.send(aws_settings.queue, str(number))
    assert await queue.delete([message.receipt for message in await take(queue, 12)]) == []
    assert await depth(sqs, aws_settings.queue) == (0, 0)


async def test_an_extended_message_stays_hidden(aws_settings: AwsSettings, queue: Queue, sqs: "SQSClient") -> None:
    await queue.send(aws_settings.queue, "body")
    (message,) = await take(queue, 1, visibility=1)
    assert await queue.extend([message.receipt], 600) == []
    await asyncio.sleep(1.2)  # SQS has no event for the end of a message's invisibility
    assert await depth(sqs, aws_settings.queue) == (0, 1)


async def test_attributes_are_sent_without_characters_that_sqs_refuses(
    aws_settings: AwsSettings, queue: Queue, sqs: "SQSClient"
) -> None:
    await queue.send(aws_settings.dead_letter_queue, "body", {"airlock-reason": "a\x00b\ud800c\td", "empty": ""})
    url = (await sqs.get_queue_url(QueueName=aws_settings.dead_letter_queue))["QueueUrl"]
    answer = await sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])
    (message,) = answer["Messages"]
    sent = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert sent == {"airlock-reason": "a?b?c\td"}


async def test_a_queue_that_does_not_exist_is_unavailable(aws_settings: AwsSettings, clients: Clients) -> None:
    missing = aws_settings.model_copy(update={"queue": "nowhere"})
    async with Queue.open(missing, clients) as queue:
        for call in (queue.receive(1, 0, 30), queue.delete(["r"]), queue.send("nowhere", "body")):
            with pytest.raises(Unavailable) as caught:
                await call
            assert "NonExistentQueue" in caught.value.detail


async def test_a_receive_that_is_cancelled_loses_no_message(aws_settings: AwsSettings, queue: Queue) -> None:
    waiting = asyncio.create_task(queue.receive(10, 20, 1))
    await asyncio.sleep(0.3)  # the server does not tell when a poll has arrived
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await queue.send(aws_settings.queue, "body")
    # It may have been handed to the cancelled poll: then it is back after its invisibility.
    assert [message.body for message in await take(queue, 1)] == ["body"]


@pytest.mark.server
async def test_a_forged_signature_is_refused(emulator_settings: AwsSettings) -> None:
    async with (
        connect(emulator_settings, services=("sqs",)) as clients,
        Queue.open(emulator_settings, clients) as queue,
    ):
        assert await queue.receive(1, 0, 30) == []
        held = clients.credentials.current()
        object.__setattr__(held, "secret_access_key", "forged")
        with pytest.raises(Unavailable, match=r"SignatureDoesNotMatch|InvalidSignature"):
            await queue.receive(1, 0, 30)
