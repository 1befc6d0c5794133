"""A policy that is used more than once: what is accepted is what was inspected, and it never changes."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from airlock import upload_id
from airlock.lifecycle import LATEST_ARRIVAL_SECONDS, RECORD_SECONDS, State
from tests.workers.checks import FailingCheck, HeldCheck
from tests.workers.harness import PNG, WorkerHarness
from tests.workers.program import running
from tests.workers.settlement.replaying_client import (
    HARMLESS,
    STATES,
    body_of,
    with_policy,
)


@asynccontextmanager
async def held_inspection(harness: WorkerHarness, workers: int = 1) -> AsyncIterator[HeldCheck]:
    """So many workers, the inspections of which wait for one check."""
    checks = dict(harness.checks())
    held = HeldCheck(checks["content"])
    async with AsyncExitStack() as stack:
        for _ in range(workers):
            _ = await stack.enter_async_context(harness.working({**checks, "content": held}))
        try:
            yield held
        finally:
            held.open.set()


@pytest.mark.long
async def test_many_replays_at_once_during_the_inspection_change_nothing(harness: WorkerHarness) -> None:
    """Many real requests at once, to an upload of each kind; the model of the settlement explores the orders."""
    async with AsyncExitStack() as stack:
        clients = {kind: await stack.enter_async_context(with_policy(harness)) for kind in STATES}
        held = await stack.enter_async_context(held_inspection(harness, workers=2))
        bound = {kind: await client.post(kind) for kind, client in clients.items()}
        for client in clients.values():
            await harness.recorded(client.upload, lambda record: record.state is State.INSPECTING)
        bodies = [body_of(number) for number in range(60)]
        await asyncio.gather(*(client.race(bodies) for client in clients.values()))
        for kind, client in clients.items():
            counted = await harness.recorded(client.upload, lambda record: record.overwrites == 60)
            assert (counted.version_id, counted.state) == (bound[kind], State.INSPECTING)
        assert await harness.accepted() == {}
        # Only the bound versions are left to be inspected.
        assert {version for _, version in await harness.incoming()} == set(bound.values())

        held.open.set()
        records = {kind: await harness.settled(client.upload) for kind, client in clients.items()}
        await harness.idle()
        for kind, client in clients.items():
            assert (records[kind].version_id, records[kind].state) == (bound[kind], STATES[kind])
            await client.check_settled(records[kind])

        # Nor do replays after the verdict: the accepted version stays the same.
        await asyncio.gather(
            *(client.race([body_of(number) for number in range(60, 70)]) for client in clients.values())
        )
        await harness.idle()
        for kind, client in clients.items():
            after = await harness.recorded(client.upload, lambda record: record.overwrites == 70)
            before = records[kind]
            assert (after.verdict, after.location, after.version_id) == (before.verdict, before.location, bound[kind])
            await client.check_settled(after)
        assert held.inspections == len(clients)


async def test_of_many_versions_stored_before_any_worker_started_one_is_inspected_and_the_others_are_deleted(
    harness: WorkerHarness,
) -> None:
    """Every notification is delivered three times, in a random order, to three workers at once."""
    async with with_policy(harness) as client:
        await client.race([body_of(number) for number in range(30)])
        again = [harness.notification(client.stored(version)) for version in client.sent] * 2
        random.Random(1).shuffle(again)
        for body in again:
            await harness.send(body)
        async with AsyncExitStack() as stack:
            for _ in range(3):
                _ = await stack.enter_async_context(harness.working())
            record = await harness.settled(client.upload)
            await harness.idle()
            events = await harness.events()
        final = await harness.records.get(client.upload)
        assert final is not None
        assert final.overwrites >= 29
        assert (final.version_id, final.verdict, final.location) == (record.version_id, record.verdict, record.location)
        await client.check_settled(final)
        assert {event["id"] for event in events} == {record.event_id}


async def test_many_policies_are_replayed_at_once_with_two_worker_processes(harness: WorkerHarness) -> None:
    less = harness.settings.profiles.with_name("less.toml")
    less.write_text(harness.settings.profiles.read_text().replace('"checksum", "clamd"]', '"checksum"]'))
    changes = {"AIRLOCK_PROFILES": str(less)}
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(with_policy(harness)) for _ in range(4)]
        workers = [await stack.enter_async_context(running(harness, **changes)) for _ in range(2)]
        await asyncio.gather(*(worker.logged("working") for worker in workers))
        await asyncio.gather(*(client.race([body_of(n + at) for n in range(15)]) for at, client in enumerate(clients)))
        records = [await harness.settled(client.upload) for client in clients]
        await harness.idle()
        for client, record in zip(clients, records, strict=True):
            final = await harness.recorded(client.upload, lambda record: record.overwrites >= 14)
            assert (final.version_id, final.location) == (record.version_id, record.location)
            await client.check_settled(final)


async def test_the_version_stored_first_is_bound_whichever_notification_comes_first(harness: WorkerHarness) -> None:
    async with with_policy(harness) as client:
        versions = [await client.post(body_of(number, HARMLESS)) for number in range(3)]
        await without_notifications(harness)
        async with harness.working():
            await harness.send(harness.notification(client.stored(versions[1])))
            record = await harness.settled(client.upload)
            for late in (versions[2], versions[0]):
                await harness.send(harness.notification(client.stored(late)))
            await harness.idle()
        assert record.version_id == versions[0]
        final = await harness.recorded(client.upload, lambda record: record.overwrites == 2)
        assert final.overwritten_at is not None
        await client.check_settled(final)


async def without_notifications(harness: WorkerHarness) -> None:
    """Delete the notifications that S3 sent: the test sends its own, in another order."""
    url = (await harness.clients.sqs.get_queue_url(QueueName=harness.settings.queue))["QueueUrl"]
    taken = 0
    async with asyncio.timeout(20):
        while taken < len(await harness.incoming()):
            answer = await harness.clients.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                await harness.clients.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                taken += 1


async def test_replays_after_a_withdrawal_are_removed_and_nothing_is_accepted(harness: WorkerHarness) -> None:
    async with with_policy(harness) as client:
        async with harness.working():
            await client.post(HARMLESS)
            await harness.settled(client.upload)
            await harness.idle()
            await harness.withdraw(client.upload)
            await client.race([body_of(number, HARMLESS) for number in range(10)])
            await harness.idle()
        record = await harness.records.get(client.upload)
        assert record is not None
        assert record.state is State.WITHDRAWN
        for bucket in (
            harness.settings.incoming_bucket,
            harness.settings.accepted_bucket,
            harness.settings.quarantine_bucket,
        ):
            assert await harness.versions(bucket) == []


async def test_a_failed_upload_stays_bound_to_its_version_when_it_is_redriven(harness: WorkerHarness) -> None:
    checks = dict(harness.checks())
    failing = FailingCheck(checks["yara"])
    async with (
        with_policy(harness) as client,
        harness.working({**checks, "yara": failing}, max_attempts=1, visibility=2),
    ):
        bound = await client.post(HARMLESS)
        assert (await harness.settled(client.upload)).state is State.FAILED
        letters = await harness.dead_letters()
        failing.unavailable = False
        await client.race([body_of(number) for number in range(10)])
        failed = await harness.recorded(client.upload, lambda record: record.overwrites == 10)
        assert (failed.state, failed.version_id) == (State.FAILED, bound)
        await harness.send(next(iter(letters)))
        record = await harness.recorded(client.upload, lambda record: record.state is State.ACCEPTED)
        await harness.idle()
        assert (record.version_id, record.overwrites) == (bound, 10)
        await client.check_settled(record)


async def test_a_record_outlives_its_policy_however_short_the_retention_is(harness: WorkerHarness) -> None:
    """Without the record a replay would be a new upload, and would replace the accepted object."""
    path = harness.settings.profiles
    path.write_text(path.read_text().replace("[profiles.default]", '[profiles.default]\nretention = "1h"'))
    upload = upload_id.mint(bytes(8), int(time.time()), upload_id.MAX_LIFETIME, "alice", [harness.secret])
    async with harness.working():
        await harness.put(PNG, upload=upload.text)
        record = await harness.settled(upload.text)
    assert record.expires_at is not None
    assert record.expires_at == upload.expires_at + RECORD_SECONDS


async def test_an_object_that_comes_when_its_record_may_be_gone_is_buried_and_stays(
    harness: WorkerHarness,
) -> None:
    issued = int(time.time()) - LATEST_ARRIVAL_SECONDS - 901
    upload = upload_id.mint(bytes(8), issued, 900, "alice", [harness.secret])
    sent = await harness.put(PNG, upload=upload.text)
    async with harness.working():
        await harness.idle()
        (reason,) = (await harness.dead_letters()).values()
    assert "may be gone" in reason
    assert await harness.records.get(upload.text) is None
    assert await harness.accepted() == {}
    assert await harness.incoming() == [(sent.key, sent.version_id)]
