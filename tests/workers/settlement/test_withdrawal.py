"""A withdrawal removes the bytes of an upload from every place, whenever it comes."""

import asyncio

import pytest

from airlock import keys
from airlock.events import withdrawal
from airlock.lifecycle import State
from aws.s3.objects import Objects
from tests.workers.checks import HeldCheck
from tests.workers.harness import EICAR, PNG, WorkerHarness, accepted_at


async def test_a_withdrawal_during_the_inspection_wins(harness: WorkerHarness) -> None:
    held = HeldCheck(harness.checks()["content"])
    sent = await harness.put(PNG)
    async with harness.working({**harness.checks(), "content": held}):
        await held.reached.wait()
        # Only the record is marked: the worker finds that out before any message comes.
        await harness.records.withdraw(sent.upload, 1_800_000_000.0)
        held.open.set()
        await harness.idle()
    record = await harness.records.get(sent.upload)
    assert record is not None
    assert record.state is State.WITHDRAWN
    assert await harness.versions(harness.settings.accepted_bucket) == []
    assert await harness.incoming() == []


async def test_a_withdrawal_that_removes_the_bytes_during_the_inspection_wins(harness: WorkerHarness) -> None:
    held = HeldCheck(harness.checks()["content"])
    sent = await harness.put(PNG)
    async with harness.working({**harness.checks(), "content": held}):
        await held.reached.wait()
        await harness.withdraw(sent.upload)
        async with asyncio.timeout(60):
            while await harness.incoming():  # noqa: ASYNC110 # S3 notifies of no deletion
                await asyncio.sleep(0.02)
        held.open.set()
        await harness.idle()
    assert await harness.versions(harness.settings.accepted_bucket) == []
    assert (await harness.settled(sent)).state is State.WITHDRAWN


@pytest.mark.parametrize("body", [PNG, EICAR])
async def test_a_withdrawal_after_the_verdict_removes_the_bytes_from_every_place_and_may_be_repeated(
    harness: WorkerHarness, body: bytes
) -> None:
    sent = await harness.put(body)
    async with harness.working():
        await harness.settled(sent)
        await harness.idle()
        await harness.withdraw(sent.upload)
        await harness.withdraw(sent.upload)
        await harness.idle()
    for bucket in (
        harness.settings.accepted_bucket,
        harness.settings.quarantine_bucket,
        harness.settings.incoming_bucket,
    ):
        assert await harness.versions(bucket) == []


async def test_an_object_that_comes_after_its_withdrawal_is_deleted(harness: WorkerHarness) -> None:
    upload = harness.mint()
    await harness.withdraw(upload)
    await harness.put(PNG, upload=upload)
    async with harness.working():
        await harness.idle()
    assert await harness.incoming() == []
    assert await harness.accepted() == {}


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("image/png", "image/png"),
        ("application/zip", "application/zip"),
        ("image/jpeg", "image/png"),
        ("application/octet-stream", "image/png"),
        ("application/zip", "application/epub+zip"),
    ],
)
async def test_a_copy_that_was_never_recorded_is_removed_with_a_withdrawal(
    harness: WorkerHarness, declared: str, kind: str
) -> None:
    """As when a worker was killed between the copy, under the type that it found, and the record."""
    sent = await harness.put(PNG, content_type=declared)
    arrival = await harness.arrival(sent)
    await harness.records.claim(arrival.record(1_800_000_000.0))
    key = keys.accepted(
        arrival.profile.accepted_key,
        upload=sent.upload,
        profile="default",
        owner="alice",
        issued_at=arrival.upload.issued_at,
        media_type=kind,
    )
    await Objects(harness.clients.s3).promote(arrival.source, harness.settings.accepted_bucket, key, content_type=kind)
    await harness.withdraw(sent.upload)
    async with harness.working():
        await harness.idle()
    assert await harness.versions(harness.settings.accepted_bucket) == []


async def test_a_withdrawal_message_without_a_withdrawn_record_removes_nothing(harness: WorkerHarness) -> None:
    sent = await harness.put(PNG)
    async with harness.working():
        record = await harness.settled(sent)
        await harness.idle()
        await harness.send(withdrawal(sent.upload))
        reasons = await harness.dead_letters()
    assert "does not say that it was withdrawn" in next(iter(reasons.values()))
    assert await harness.accepted() == {accepted_at(record).key: PNG}
