"""What an attacker does with the service's keys alone, against a real worker.

On a server that knows no conditions on attributes, as ministack is one: there the attacker writes whole records.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airlock import events
from airlock.lifecycle import State, Step
from airlock.verdict import Change, Outcome
from aws.clients import Clients
from aws.dynamodb.record import Location, Record, attributes
from aws.settings import AwsSettings
from tests.deployment import connected_as, keys_of
from tests.workers.harness import EICAR, PNG, WorkerHarness, harness_in
from tests.workers.rescanning import record_of

pytestmark = pytest.mark.server

RELEASE = Change(
    step=Step.RELEASE, before=Outcome.INFECTED, by="operator", reason="forged", at=datetime(2026, 1, 1, tzinfo=UTC)
)


@pytest.fixture
async def harness(deployment: AwsSettings, tmp_path: Path) -> AsyncIterator[WorkerHarness]:
    # A worker that ends can still receive a message, which is then hidden for this time.
    async with harness_in(deployment, tmp_path, visibility=2) as here:
        yield here


@pytest.fixture
async def attacker(harness: WorkerHarness, deployment: AwsSettings) -> AsyncIterator[Clients]:
    async with connected_as(keys_of("service", deployment), deployment) as clients:
        yield clients


async def forge(attacker: Clients, table: str, upload: str, **fields: Any) -> None:
    written = attributes(fields)
    await attacker.dynamodb.update_item(
        TableName=table,
        Key={"id": {"S": upload}},
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in written),
        ExpressionAttributeNames={f"#{name}": name for name in written},
        ExpressionAttributeValues={f":{name}": value for name, value in written.items()},
    )


async def send(attacker: Clients, harness: WorkerHarness, body: str) -> None:
    url = (await attacker.sqs.get_queue_url(QueueName=harness.settings.queue))["QueueUrl"]
    await attacker.sqs.send_message(QueueUrl=url, MessageBody=body)


async def quarantined(harness: WorkerHarness) -> Record:
    async with harness.working():
        record = await harness.settled(await harness.put(EICAR, content_type="text/plain"))
        await harness.idle()
    assert record.place == "quarantine"
    await harness.events()
    return record


async def test_malware_is_not_released_from_quarantine(harness: WorkerHarness, attacker: Clients) -> None:
    record, table = await quarantined(harness), harness.settings.table
    nowhere = Location(harness.settings.accepted_bucket, "nowhere", "v0")
    await forge(attacker, table, record.id, changes=(RELEASE,), moving_from=nowhere)
    await send(attacker, harness, events.rescan(record.id))
    async with harness.working():
        await harness.idle()
    await forge(attacker, table, record.id, state=State.ACCEPTED, place="accepted")
    await send(attacker, harness, events.rescan(record.id))
    async with harness.working():
        reasons = await harness.dead_letters()
    assert [*reasons.values()] == ["the record of the upload names no copy in accepted"]
    assert await harness.accepted() == {}
    assert await harness.events(0) == []


async def test_malware_that_no_worker_saw_is_not_accepted_by_its_record(
    harness: WorkerHarness, attacker: Clients
) -> None:
    """Another upload's accepted bytes are named as its own."""
    async with harness.working():
        good = await harness.settled(await harness.put(PNG))
        await harness.idle()
    await harness.events()
    sent = await harness.put(EICAR, content_type="text/plain")
    await forge(
        attacker,
        harness.settings.table,
        sent.upload,
        **{name: getattr(good, name) for name in ("owner", "state", "profile", "filename", "content_type", "verdict")},
        **{name: getattr(good, name) for name in ("place", "location", "created_at", "updated_at", "attempts")},
        version_id=sent.version_id,
    )
    async with harness.working():
        reasons = await harness.dead_letters()
    assert set(reasons.values()) == {"the bytes that the record of the upload names in accepted are not the upload's"}
    assert await harness.events(0) == []
    assert [*(await harness.accepted()).values()] == [PNG]
    assert (await record_of(harness, good.id)).location == good.location
