"""Bulk sending: messages arrive unchanged, and a refused one is an error."""

from collections.abc import AsyncIterator
from unittest import mock

import pytest

from airlock.errors import Unavailable
from aws.clients import Clients, connect
from aws.maintenance.bulk_sender import BulkSender
from aws.settings import AwsSettings


@pytest.fixture
async def clients(aws_settings: AwsSettings) -> AsyncIterator[Clients]:
    async with connect(aws_settings, services=("sqs",)) as clients:
        yield clients


async def test_ten_messages_are_sent_and_wait(clients: Clients, aws_settings: AwsSettings) -> None:
    sender = BulkSender(clients.sqs, aws_settings.queue)
    assert await sender.waiting() == 0
    sent = [f"message {number}" for number in range(10)]
    await sender.send(sent)
    assert await sender.waiting() == 10
    url = (await clients.sqs.get_queue_url(QueueName=aws_settings.queue))["QueueUrl"]
    taken: list[str] = []
    while len(taken) < 10:
        answer = await clients.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        taken += [message["Body"] for message in answer.get("Messages", [])]
    assert sorted(taken) == sorted(sent)


async def test_one_refused_message_of_a_batch_is_an_error(clients: Clients, aws_settings: AwsSettings) -> None:
    refusal = mock.AsyncMock(return_value={"Successful": [], "Failed": [{"Id": "0", "Code": "InternalError"}]})
    with mock.patch.object(clients.sqs, "send_message_batch", refusal), pytest.raises(Unavailable, match="Internal"):
        await BulkSender(clients.sqs, aws_settings.queue).send(["a"])


async def test_a_queue_that_does_not_exist_is_unavailable(clients: Clients) -> None:
    with pytest.raises(Unavailable, match="sqs"):
        await BulkSender(clients.sqs, "none").send(["a"])
