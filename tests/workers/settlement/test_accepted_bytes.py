"""Accepted bytes are counted once for each upload, also after a redelivery and by two workers; crashes: test_crash."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest_asyncio

from airlock.quotas import DAY, Subject, Usage, Window
from aws.dynamodb.record import Record, to_item
from aws.dynamodb.usage_counters import UsageCounters
from tests.deployment import connected_as, keys_of
from tests.workers.harness import EICAR, PNG, WorkerHarness

QUOTAS = """
[quotas.owner]
accepted_bytes_per_day = "1 GiB"

[quotas.tenant]
accepted_bytes_per_day = "1 TiB"
"""
ALICE, ACME = Subject("owner", "alice"), Subject("tenant", "acme")


def with_quotas(harness: WorkerHarness) -> WorkerHarness:
    path = harness.settings.profiles
    path.write_text(path.read_text() + QUOTAS)
    return harness


async def counted(harness: WorkerHarness, subject: Subject, of: Record) -> int:
    """The accepted bytes that are counted for the subject on the day of that upload's verdict."""
    assert of.verdict
    window = Window.at(of.verdict.inspected_at.timestamp(), DAY)
    return (await UsageCounters(harness.clients.dynamodb, harness.settings.table).get(subject, window)).accepted_bytes


@pytest_asyncio.fixture
async def limited(harness: WorkerHarness) -> AsyncIterator[WorkerHarness]:
    yield with_quotas(harness)


async def test_accepted_bytes_are_counted_for_the_owner_and_the_tenant(limited: WorkerHarness) -> None:
    async with limited.working():
        record = await limited.settled(await limited.put(PNG, tenant="acme"))
        await limited.settled(await limited.put(PNG + b"more"))
        infected = await limited.settled(await limited.put(EICAR, tenant="acme"))
        await limited.idle()
    assert await counted(limited, ALICE, record) == 2 * len(PNG) + 4
    assert await counted(limited, ACME, record) == len(PNG)
    assert infected.state == "infected"


async def test_a_redelivery_is_not_counted_again(limited: WorkerHarness) -> None:
    async with limited.working():
        sent = await limited.put(PNG, tenant="acme")
        record = await limited.settled(sent)
        for _ in range(3):
            await limited.send(limited.notification(sent))
        await limited.idle()
    assert await counted(limited, ALICE, record) == await counted(limited, ACME, record) == len(PNG)


async def test_two_workers_with_the_same_messages_count_once(limited: WorkerHarness) -> None:
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(limited.working()) for _ in range(2)]
        sent = [await limited.put(PNG, tenant="acme") for _ in range(5)]
        for each in sent * 2:
            await limited.send(limited.notification(each))
        records = [await limited.settled(each) for each in sent]
        await limited.idle()
        assert not any(worker.done() for worker in workers)
    assert await counted(limited, ALICE, records[0]) == 5 * len(PNG)
    assert await counted(limited, ACME, records[0]) == 5 * len(PNG)


async def test_without_a_quota_of_accepted_bytes_nothing_is_counted(harness: WorkerHarness) -> None:
    async with harness.working():
        record = await harness.settled(await harness.put(PNG, tenant="acme"))
        await harness.idle()
    assert await counted(harness, ALICE, record) == 0
    items = (await harness.clients.dynamodb.scan(TableName=harness.settings.table))["Items"]
    assert [item["id"]["S"] for item in items] == [record.id]


async def test_a_verdict_is_counted_before_its_event_is_published(limited: WorkerHarness) -> None:
    async with limited.working():
        record = await limited.settled(await limited.put(PNG))
        await limited.events()
        assert await counted(limited, ALICE, record) == len(PNG)


async def test_a_service_learns_the_accepted_bytes_with_its_next_charge(limited: WorkerHarness) -> None:
    async with limited.working():
        record = await limited.settled(await limited.put(PNG))
        await limited.idle()
    assert record.verdict
    today = Window.at(record.verdict.inspected_at.timestamp(), DAY)
    counters = UsageCounters(limited.clients.dynamodb, limited.settings.table)
    assert await counters.add(ALICE, today, Usage(1, 500), by="a", part=1) == Usage(1, 500, len(PNG))


async def test_the_permissions_of_the_worker_are_enough(limited: WorkerHarness) -> None:
    async with limited.working():
        record = await limited.settled(await limited.put(PNG, profile="strict"))
        await limited.idle()
    async with connected_as(keys_of("workers", limited.settings), limited.settings) as clients:
        another = replace(record, id=limited.mint(), owner="bob")
        await limited.clients.dynamodb.put_item(TableName=limited.settings.table, Item=to_item(another))
        await UsageCounters(clients.dynamodb, limited.settings.table).count_accepted(another, limited.profiles.quotas)
    assert await counted(limited, Subject("owner", "bob"), record) == len(PNG)
