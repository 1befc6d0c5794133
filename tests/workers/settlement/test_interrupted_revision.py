"""A revision that was interrupted at any of its calls is finished by doing it again."""

from collections.abc import Awaitable, Callable

import pytest

from airlock.lifecycle import State
from aws.dynamodb.records import Record
from tests.workers.harness import EICAR, PNG, WorkerHarness, accepted_at
from tests.workers.settlement.interruptible_revision import (
    BOUNDARIES,
    LATE,
    Boundary,
    Interrupted,
    InterruptibleRevision,
    infected,
    record_of,
    settled_as,
)


async def test_an_interrupted_release_is_finished_by_the_next(
    harness: WorkerHarness, revision: InterruptibleRevision
) -> None:
    uploads = await all_settled(harness, EICAR, State.INFECTED)
    for upload, boundary in zip(uploads, BOUNDARIES, strict=True):
        await interrupt_and_repeat(revision, revision.release, upload, boundary)
        after = await record_of(harness, upload)
        assert (after.state, after.moving_from, len(after.changes)) == (State.ACCEPTED, None, 1), boundary
        assert after.location
        copies = await harness.versions(harness.settings.accepted_bucket, after.location.key)
        assert copies == [(after.location.key, after.location.version_id)], boundary
        assert await harness.versions(harness.settings.quarantine_bucket, upload) == [], boundary
        assert {event["id"] for event in await harness.events()} == {after.event_id}, boundary


async def test_an_interrupted_revocation_is_finished_by_the_next(
    harness: WorkerHarness, revision: InterruptibleRevision
) -> None:
    uploads = await all_settled(harness, PNG, State.ACCEPTED)
    for upload, boundary in zip(uploads, BOUNDARIES, strict=True):
        await interrupt_and_repeat(revision, revision.revoke, upload, boundary)
        after = await record_of(harness, upload)
        assert (after.state, after.place, after.moving_from) == (State.INFECTED, "quarantine", None), boundary
        assert after.verdict
        assert after.verdict.findings == (LATE,)
        assert after.location
        copies = await harness.versions(harness.settings.quarantine_bucket, upload)
        assert copies == [(after.location.key, after.location.version_id)], boundary
        assert {event["id"] for event in await harness.events()} == {after.event_id}, boundary
    assert await harness.versions(harness.settings.accepted_bucket) == []


async def all_settled(harness: WorkerHarness, body: bytes, state: State) -> list[str]:
    """The ids of settled uploads, one for each boundary; their events were received."""
    sent = [
        await harness.put(body) if body is PNG else await harness.put(body, content_type="text/plain")
        for _ in BOUNDARIES
    ]
    async with harness.working(visibility=2):
        records = [await harness.settled(each) for each in sent]
        await harness.idle()
    assert {record.state for record in records} == {state}
    await harness.events(len(records))
    return [record.id for record in records]


async def interrupt_and_repeat(
    revision: InterruptibleRevision, revise: Callable[[str], Awaitable[Record]], upload: str, boundary: Boundary
) -> None:
    revision.interrupted_at = boundary
    with pytest.raises(Interrupted):
        await revise(upload)
    revision.interrupted_at = None
    await revise(upload)


async def test_a_withdrawal_removes_the_bytes_of_an_interrupted_release(
    harness: WorkerHarness, revision: InterruptibleRevision
) -> None:
    before = await infected(harness)
    revision.interrupted_at = ("after", "promote")
    with pytest.raises(Interrupted):
        await revision.release(before.id)
    await harness.withdraw(before.id)
    async with harness.working(visibility=2):
        await harness.idle()
    for bucket in (harness.settings.accepted_bucket, harness.settings.quarantine_bucket):
        assert await harness.versions(bucket) == []


async def test_a_late_notification_removes_no_bytes_that_are_being_released(
    harness: WorkerHarness, revision: InterruptibleRevision
) -> None:
    sent = await harness.put(EICAR, content_type="text/plain")
    before = await settled_as(harness, sent, State.INFECTED)
    revision.interrupted_at = ("after", "promote")
    with pytest.raises(Interrupted):
        await revision.release(before.id)
    copied = await harness.versions(harness.settings.accepted_bucket)
    async with harness.working(visibility=2):
        await harness.send(harness.notification(sent))
        await harness.idle()
    assert await harness.versions(harness.settings.accepted_bucket) == copied
    revision.interrupted_at = None
    after = await revision.release(before.id)
    async with harness.working(visibility=2):
        await harness.send(harness.notification(sent))
        await harness.idle()
    # The repeated notification publishes the present verdict once more.
    events = [event for event in await harness.events(3) if event["data"]["verdict"]["outcome"] == "accepted"]
    assert {event["id"] for event in events} == {after.event_id}
    assert await harness.accepted() == {accepted_at(after).key: EICAR}
