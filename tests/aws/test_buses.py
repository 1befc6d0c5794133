"""Verdict events on topics and buses reach their subscribers whole."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from airlock.errors import Outage, Unavailable
from aws import probes
from aws.buses import Buses
from aws.clients import Clients, connect
from aws.settings import AwsSettings
from aws.sqs.queue import Queue

EVENT = json.dumps({"specversion": "1.0", "id": "e1", "data": {"filename": "Grüße.pdf"}}, ensure_ascii=False)
KIND = "airlock.upload.accepted"


@pytest_asyncio.fixture
async def clients(emulator_settings: AwsSettings) -> AsyncIterator[Clients]:
    async with connect(emulator_settings, services=("sqs", "sns", "events", "sts")) as made:
        yield made


@pytest_asyncio.fixture
async def queue(emulator_settings: AwsSettings, clients: Clients) -> AsyncIterator[Queue]:
    async with Queue.open(emulator_settings, clients) as opened:
        yield opened


async def queue_arn(clients: Clients, name: str) -> str:
    url = (await clients.sqs.get_queue_url(QueueName=name))["QueueUrl"]
    answer = await clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return answer["Attributes"]["QueueArn"]


async def let_in(clients: Clients, name: str, arn: str, topic: str) -> None:
    """Let the topic send to the queue, as its owner has to on AWS too."""
    condition = {"ArnEquals": {"aws:SourceArn": topic}}
    sender = {"Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    statement = {"Effect": "Allow", **sender, "Resource": arn, "Condition": condition}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    url = (await clients.sqs.get_queue_url(QueueName=name))["QueueUrl"]
    await clients.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


async def received(queue: Queue) -> Any:
    [message] = await queue.receive(1, 10, 30)
    return json.loads(message.body)


async def test_a_published_event_reaches_the_topics_subscribers(
    emulator_settings: AwsSettings, clients: Clients, queue: Queue
) -> None:
    topic = (await clients.sns.create_topic(Name="verdicts"))["TopicArn"]
    arn = await queue_arn(clients, emulator_settings.queue)
    await let_in(clients, emulator_settings.queue, arn, topic)
    await clients.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    await Buses(clients, emulator_settings.region).publish_to_topic("verdicts", EVENT, {"type": KIND})
    envelope = await received(queue)
    assert envelope["Message"] == EVENT
    assert envelope["MessageAttributes"]["type"]["Value"] == KIND


async def test_an_event_on_a_bus_is_matched_by_its_type(
    emulator_settings: AwsSettings, clients: Clients, queue: Queue
) -> None:
    await clients.events.create_event_bus(Name="uploads")
    pattern = json.dumps({"source": ["airlock"], "detail-type": [KIND]})
    await clients.events.put_rule(Name="accepted", EventBusName="uploads", EventPattern=pattern)
    target: Any = {"Id": "queue", "Arn": await queue_arn(clients, emulator_settings.queue)}
    await clients.events.put_targets(Rule="accepted", EventBusName="uploads", Targets=[target])
    buses = Buses(clients, emulator_settings.region)
    await buses.put_event("uploads", "airlock.upload.infected", "{}")
    await buses.put_event("uploads", KIND, EVENT)
    event = await received(queue)
    assert (event["source"], event["detail-type"]) == ("airlock", KIND)
    assert event["detail"] == json.loads(EVENT)


async def test_a_topic_that_does_not_exist_is_unavailable(emulator_settings: AwsSettings, clients: Clients) -> None:
    with pytest.raises(Unavailable, match="sns: Publish"):
        await Buses(clients, emulator_settings.region).publish_to_topic("nowhere", EVENT, {})


async def test_an_event_that_a_bus_refuses_is_an_error(emulator_settings: AwsSettings, clients: Clients) -> None:
    """PutEvents answers 200 and says so inside."""

    class Refusing:
        async def put_events(self, **_: Any) -> Any:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}

    clients._made["events"] = Refusing()
    with pytest.raises(Unavailable, match="eventbridge: PutEvents: InternalFailure"):
        await Buses(clients, emulator_settings.region).put_event("uploads", KIND, EVENT)


async def test_a_topic_and_a_bus_are_told_by_name_where_there_is_none(
    emulator_settings: AwsSettings, clients: Clients
) -> None:
    await clients.sns.create_topic(Name="verdicts")
    await clients.events.create_event_bus(Name="verdicts")
    buses = Buses(clients, emulator_settings.region)
    for probe, kind in ((probes.topic, "topic"), (probes.bus, "bus")):
        await probe(buses, "verdicts")()
        with pytest.raises(Outage, match=f"the {kind} nowhere \\(notify\\): there is none of that name"):
            await probe(buses, "nowhere")()
