"""Revision: a verdict that was recorded is changed, with its bytes, its usage and an event of its own."""

import json
from dataclasses import replace
from typing import Any

import pytest

from airlock import verdict_event
from airlock.errors import Conflict, VersionGone
from airlock.lifecycle import State, Step
from airlock.verdict import Outcome
from tests.workers.harness import EICAR, WorkerHarness, accepted_at
from tests.workers.settlement.interruptible_revision import (
    REASON,
    InterruptibleRevision,
    accepted,
    infected,
    record_of,
)
from workers.settlement.revision import NotPossible


async def test_a_release_moves_the_bytes_to_accepted_and_records_who_and_why(
    harness: WorkerHarness, revision: InterruptibleRevision
) -> None:
    before = await infected(harness)
    after = await revision.release(before.id)
    assert (after.state, after.place) == (State.ACCEPTED, "accepted")
    assert before.verdict
    assert after.verdict == before.verdict.model_copy(update={"outcome": Outcome.ACCEPTED})
    [change] = after.changes
    assert (change.step, change.before, change.by, change.reason) == (Step.RELEASE, Outcome.INFECTED, "grace", REASON)
    assert await harness.accepted() == {accepted_at(after).key: EICAR}
    assert await harness.versions(harness.settings.quarantine_bucket) == []
    assert await record_of(harness, before.id) == replace(after, moving_from=None)
    steps = list(dict.fromkeys(revision.calls))
    assert steps == ["begin_change", "promote", "change", "publish", "delete_versions", "end_change"]
    assert revision.counted == [before.id]


async def test_released_bytes_are_an_attachment_of_the_detected_type(
    harness: WorkerHarness, revision: InterruptibleRevision
) -> None:
    after = await revision.release((await infected(harness)).id)
    assert after.location
    stored = await harness.clients.s3.head_object(Bucket=after.location.bucket, Key=after.location.key)
    assert after.verdict
    assert stored["ContentType"] == (after.verdict.media_type or "text/plain")
    assert stored["ContentDisposition"] == "attachment"
    assert stored["Metadata"]["upload"] == after.id


async def test_a_change_has_an_event_with_an_id_of_its_own(
    harness: WorkerHarness, revision: InterruptibleRevision
) -> None:
    before = await infected(harness)
    after = await revision.release(before.id)
    [event] = await harness.events()
    assert event["id"] == after.event_id == verdict_event.event_id(before.id, before.version_id, 1) != before.event_id
    assert event["type"] == "airlock.upload.accepted"
    assert event["data"]["changes"] == [json.loads(after.changes[0].model_dump_json())]
    assert after.location
    assert event["data"]["location"]["key"] == after.location.key


async def test_revoked_bytes_that_the_profile_does_not_keep_are_deleted(
    harness: WorkerHarness, revision: InterruptibleRevision
) -> None:
    before = await accepted(harness, profile="strict")
    after = await revision.revoke(before.id)
    assert (after.state, after.place, after.location) == (State.INFECTED, "none", None)
    assert await harness.versions(harness.settings.accepted_bucket) == []
    assert await harness.versions(harness.settings.quarantine_bucket) == []
    with pytest.raises(NotPossible, match="were not kept"):
        await revision.release(before.id)


async def test_a_verdict_can_be_changed_back_and_forth(harness: WorkerHarness, revision: InterruptibleRevision) -> None:
    upload = (await accepted(harness)).id
    await revision.revoke(upload)
    await revision.release(upload)
    after = await revision.revoke(upload)
    assert [change.step for change in after.changes] == [Step.REVOKE, Step.RELEASE, Step.REVOKE]
    assert len({event["id"] for event in await harness.events(3)}) == 3
    assert len(await harness.versions(harness.settings.quarantine_bucket)) == 1
    assert await harness.versions(harness.settings.accepted_bucket) == []


async def test_an_accepted_upload_cannot_be_released(harness: WorkerHarness, revision: InterruptibleRevision) -> None:
    upload = (await accepted(harness)).id
    with pytest.raises(NotPossible, match="cannot release an upload that is accepted"):
        await revision.release(upload)
    assert revision.calls == []


async def test_an_upload_withdrawn_during_its_release_leaves_no_copy(
    harness: WorkerHarness, revision: InterruptibleRevision
) -> None:
    before = await infected(harness)
    promote = revision.objects.promote

    async def promote_and_withdraw(*args: Any, **kwargs: Any) -> Any:
        copied = await promote(*args, **kwargs)
        await harness.withdraw(before.id)
        return copied

    revision.objects.promote = promote_and_withdraw  # type: ignore[method-assign]
    with pytest.raises(Conflict, match="withdrawn"):
        await revision.release(before.id)
    async with harness.working(visibility=2):
        await harness.idle()
    for bucket in (harness.settings.accepted_bucket, harness.settings.quarantine_bucket):
        assert await harness.versions(bucket) == []


async def test_the_first_of_two_releases_decides(harness: WorkerHarness, revision: InterruptibleRevision) -> None:
    before = await infected(harness)
    first = await revision.release(before.id)
    second = await revision.release(before.id, by="alan")
    assert second.changes == first.changes
    with pytest.raises(VersionGone):
        await revision.release(before, by="alan")


async def test_deleted_bytes_cannot_be_released(harness: WorkerHarness, revision: InterruptibleRevision) -> None:
    before = await infected(harness)
    assert before.location
    await revision.objects.delete(*before.location)
    with pytest.raises(VersionGone):
        await revision.release(before.id)
    assert await record_of(harness, before.id) == before
