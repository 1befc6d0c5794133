"""Accepted bytes are counted once for each upload: after redelivery and by two workers (a crash: test_crash.py)."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest_asyncio

from airlock.quotas import DAY, Subject, Usage, Window
from aws.dynamodb.record import Record, to_item
from aws.dynamodb.usage import Counters
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
    """The accepted bytes of the day on which that upload had its verdict."""
    assert of.verdict
    window = Window.at(of.verdict.inspected_at.timestamp(), DAY)
    return (await Counters(harness.clients.dynamodb, harness.settings.table).get(subject, window)).accepted_bytes


@pytest_asyncio.fixture
async def limited(harness: WorkerHarness) -> AsyncIterator[WorkerHarness]:
    yield with_quotas(harness)


async def test_what_is_accepted_is_counted_for_its_owner_and_its_tenant(limited: WorkerHarness) -> None:
    async with limited.working():
        record = await limited.settled(await limited.put(PNG, tenant="acme"))
        await limited.settled(await limited.put(PNG + b"more"))
        infected = await limited.settled(await limited.put(EICAR, tenant="acme"))
        await limited.idle()
    assert await counted(limited, ALICE, record) == 2 * len(PNG) + 4
    assert await counted(limited, ACME, record) == len(PNG)
    assert infected.state == "infected"


async def test_redelivery_counts_nothing_again(limited: WorkerHarness) -> None:
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


async def test_without_such_a_quota_nothing_is_counted(harness: WorkerHarness) -> None:
    async with harness.working():
        record = await harness.settled(await harness.put(PNG, tenant="acme"))
        await harness.idle()
    assert await counted(harness, ALICE, record) == 0
    items = (await harness.clients.dynamodb.scan(TableName=harness.settings.table))["Items"]
    assert [item["id"]["S"] for item in items] == [record.id]


async def test_whoever_hears_of_the_verdict_finds_it_counted(limited: WorkerHarness) -> None:
    async with limited.working():
        record = await limited.settled(await limited.put(PNG))
        await limited.events()
        assert await counted(limited, ALICE, record) == len(PNG)


async def test_a_service_hears_of_it_with_its_next_charge(limited: WorkerHarness) -> None:
    async with limited.working():
        record = await limited.settled(await limited.put(PNG))
        await limited.idle()
    assert record.verdict
    today = Window.at(record.verdict.inspected_at.timestamp(), DAY)
    counters = Counters(limited.clients.dynamodb, limited.settings.table)
    assert await counters.add(ALICE, today, Usage(1, 500), by="a", part=1) == Usage(1, 500, len(PNG))


async def test_the_role_of_the_workers_is_enough(limited: WorkerHarness) -> None:
    async with limited.working():
        record = await limited.settled(await limited.put(PNG, profile="strict"))
        await limited.idle()
    async with connected_as(keys_of("workers", limited.settings), limited.settings) as clients:
        another = replace(record, id=limited.mint(), owner="bob")
        await limited.clients.dynamodb.put_item(TableName=limited.settings.table, Item=to_item(another))
        await Counters(clients.dynamodb, limited.settings.table).count_accepted(another, limited.profiles.quotas)
    assert await counted(limited, Subject("owner", "bob"), record) == len(PNG)
