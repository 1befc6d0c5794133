"""Revision: a verdict that stood is changed in steps, and whichever of them was the last, another try ends it."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from airlock import verdict_event
from airlock.errors import Conflict, VersionGone
from airlock.lifecycle import State, Step
from airlock.verdict import Finding, Outcome
from aws.dynamodb.records import Record
from aws.sqs.queue import Queue
from tests.workers.harness import EICAR, PNG, Sent, WorkerHarness, accepted_at
from workers.assembly import assemble
from workers.settlement.revision import NotPossible, Revision

REASON = "a test file that we know"
LATE = Finding(code="signature_match", check="clamd", outcome=Outcome.INFECTED, message="newer signatures match")


Revise = Callable[[WorkerHarness, "Broken", str], Awaitable[Record]]


class Ended(Exception):
    """Whoever was at it ended here."""


class Broken:
    """Everything that a revision works with, each call of which can be the last one."""

    def __init__(self, harness: WorkerHarness, queue: Queue) -> None:
        parts = assemble(harness.settings, harness.profiles, harness.clients, queue, lambda: 1_800_000_000)
        self.objects, self.records = parts.objects, parts.records
        effects = replace(parts.effects, count_accepted=self._count)
        self.counted: list[str] = []
        self.steps: list[str] = []
        self.ends_at: tuple[str, str] | None = None
        for name in ("begin_change", "change", "end_change"):
            self._watch(self.records, name)
        for name in ("promote", "delete_versions"):
            self._watch(self.objects, name)
        self._watch(effects.publisher, "publish")
        self.revision = Revision(self.objects, self.records, effects, parts.now)

    async def _count(self, record: Record) -> None:
        self.counted.append(record.id)

    def _watch(self, owner: Any, name: str) -> None:
        real = getattr(owner, name)

        async def watched(*args: Any, **kwargs: Any) -> Any:
            if self.ends_at == ("before", name):
                raise Ended
            self.steps.append(name)
            answer = await real(*args, **kwargs)
            if self.ends_at == ("after", name):
                raise Ended
            return answer

        setattr(owner, name, watched)


BOUNDARIES = [
    (when, name)
    for name in ("begin_change", "promote", "change", "publish", "delete_versions", "end_change")
    for when in ("before", "after")
]


@pytest.fixture
async def broken(harness: WorkerHarness) -> Any:
    async with Queue.open(harness.settings, harness.clients) as queue:
        yield Broken(harness, queue)


async def infected(harness: WorkerHarness) -> Record:
    """The record of an upload that lies in quarantine; its event was taken."""
    return await _settled(harness, await harness.put(EICAR, content_type="text/plain"), State.INFECTED)


async def accepted(harness: WorkerHarness, **intent: Any) -> Record:
    return await _settled(harness, await harness.put(PNG, **intent), State.ACCEPTED)


async def _settled(harness: WorkerHarness, sent: Sent, state: State) -> Record:
    # What a worker was about to be handed when it stopped is hidden from the next one for that long.
    async with harness.working(visibility=2):
        record = await harness.settled(sent)
        await harness.idle()
    assert record.state is state
    await harness.events()
    return record


async def of_today(harness: WorkerHarness, upload: str) -> Record:
    record = await harness.records.get(upload)
    assert record is not None
    return record


async def release(harness: WorkerHarness, broken: Broken, upload: str) -> Record:
    record = await of_today(harness, upload)
    return await broken.revision.release(record, harness.profiles.get(record.profile), by="grace", reason=REASON)


async def revoke(harness: WorkerHarness, broken: Broken, upload: str) -> Record:
    record = await of_today(harness, upload)
    assert record.verdict
    found = record.verdict.model_copy(update={"outcome": Outcome.INFECTED, "findings": (LATE,)})
    return await broken.revision.revoke(
        record, harness.profiles.get(record.profile), found, by="rescan", reason="newer signatures"
    )


async def test_a_release_takes_the_bytes_out_of_quarantine_and_tells_who_and_why(
    harness: WorkerHarness, broken: Broken
) -> None:
    before = await infected(harness)
    after = await release(harness, broken, before.id)
    assert (after.state, after.place) == (State.ACCEPTED, "accepted")
    assert before.verdict
    assert after.verdict == before.verdict.model_copy(update={"outcome": Outcome.ACCEPTED})
    [change] = after.changes
    assert (change.step, change.before, change.by, change.reason) == (Step.RELEASE, Outcome.INFECTED, "grace", REASON)
    assert await harness.accepted() == {accepted_at(after).key: EICAR}
    assert await harness.versions(harness.settings.quarantine_bucket) == []
    assert await of_today(harness, before.id) == replace(after, moving_from=None)
    steps = list(dict.fromkeys(broken.steps))
    assert steps == ["begin_change", "promote", "change", "publish", "delete_versions", "end_change"]
    assert broken.counted == [before.id]


async def test_released_bytes_are_an_attachment_of_the_type_that_they_are_of(
    harness: WorkerHarness, broken: Broken
) -> None:
    after = await release(harness, broken, (await infected(harness)).id)
    assert after.location
    stored = await harness.clients.s3.head_object(Bucket=after.location.bucket, Key=after.location.key)
    assert after.verdict
    assert stored["ContentType"] == (after.verdict.media_type or "text/plain")
    assert stored["ContentDisposition"] == "attachment"
    assert stored["Metadata"]["upload"] == after.id


async def test_the_event_of_a_change_has_an_id_of_its_own(harness: WorkerHarness, broken: Broken) -> None:
    before = await infected(harness)
    after = await release(harness, broken, before.id)
    [event] = await harness.events()
    assert event["id"] == after.event_id == verdict_event.event_id(before.id, before.version_id, 1) != before.event_id
    assert event["type"] == "airlock.upload.accepted"
    assert event["data"]["changes"] == [json.loads(after.changes[0].model_dump_json())]
    assert after.location
    assert event["data"]["location"]["key"] == after.location.key


async def test_a_release_that_ended_early_is_ended_by_the_next(harness: WorkerHarness, broken: Broken) -> None:
    uploads = await all_settled(harness, EICAR, State.INFECTED)
    for upload, boundary in zip(uploads, BOUNDARIES, strict=True):
        await ended_and_repeated(harness, broken, release, upload, boundary)
        after = await of_today(harness, upload)
        assert (after.state, after.moving_from, len(after.changes)) == (State.ACCEPTED, None, 1), boundary
        assert after.location
        copies = await harness.versions(harness.settings.accepted_bucket, after.location.key)
        assert copies == [(after.location.key, after.location.version_id)], boundary
        assert await harness.versions(harness.settings.quarantine_bucket, upload) == [], boundary
        assert {event["id"] for event in await harness.events()} == {after.event_id}, boundary


async def test_so_is_a_revocation(harness: WorkerHarness, broken: Broken) -> None:
    uploads = await all_settled(harness, PNG, State.ACCEPTED)
    for upload, boundary in zip(uploads, BOUNDARIES, strict=True):
        await ended_and_repeated(harness, broken, revoke, upload, boundary)
        after = await of_today(harness, upload)
        assert (after.state, after.place, after.moving_from) == (State.INFECTED, "quarantine", None), boundary
        assert after.verdict
        assert after.verdict.findings == (LATE,)
        assert after.location
        copies = await harness.versions(harness.settings.quarantine_bucket, upload)
        assert copies == [(after.location.key, after.location.version_id)], boundary
        assert {event["id"] for event in await harness.events()} == {after.event_id}, boundary
    assert await harness.versions(harness.settings.accepted_bucket) == []


async def all_settled(harness: WorkerHarness, body: bytes, state: State) -> list[str]:
    """One upload for each boundary."""
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


async def ended_and_repeated(
    harness: WorkerHarness, broken: Broken, step: Revise, upload: str, boundary: tuple[str, str]
) -> None:
    broken.ends_at = boundary
    with pytest.raises(Ended):
        await step(harness, broken, upload)
    broken.ends_at = None
    await step(harness, broken, upload)


async def test_what_a_profile_deletes_is_nowhere_after_its_revocation(harness: WorkerHarness, broken: Broken) -> None:
    before = await accepted_strictly(harness)
    after = await revoke(harness, broken, before.id)
    assert (after.state, after.place, after.location) == (State.INFECTED, "none", None)
    assert await harness.versions(harness.settings.accepted_bucket) == []
    assert await harness.versions(harness.settings.quarantine_bucket) == []
    with pytest.raises(NotPossible, match="were not kept"):
        await release(harness, broken, before.id)


async def accepted_strictly(harness: WorkerHarness) -> Record:
    async with harness.working(visibility=2):
        record = await harness.settled(await harness.put(PNG, profile="strict"))
        await harness.idle()
    assert record.state is State.ACCEPTED
    return record


async def test_a_verdict_can_be_changed_to_and_fro(harness: WorkerHarness, broken: Broken) -> None:
    upload = (await accepted(harness)).id
    await revoke(harness, broken, upload)
    await release(harness, broken, upload)
    after = await revoke(harness, broken, upload)
    assert [change.step for change in after.changes] == [Step.REVOKE, Step.RELEASE, Step.REVOKE]
    assert len({event["id"] for event in await harness.events(3)}) == 3
    assert len(await harness.versions(harness.settings.quarantine_bucket)) == 1
    assert await harness.versions(harness.settings.accepted_bucket) == []


async def test_what_is_not_in_quarantine_cannot_be_released(harness: WorkerHarness, broken: Broken) -> None:
    upload = (await accepted(harness)).id
    with pytest.raises(NotPossible, match="cannot release an upload that is accepted"):
        await release(harness, broken, upload)
    assert broken.steps == []


async def test_what_was_withdrawn_meanwhile_is_copied_nowhere(harness: WorkerHarness, broken: Broken) -> None:
    before = await infected(harness)
    stored = broken.objects.promote

    async def and_withdraw(*args: Any, **kwargs: Any) -> Any:
        copied = await stored(*args, **kwargs)
        await harness.withdraw(before.id)
        return copied

    broken.objects.promote = and_withdraw  # type: ignore[method-assign]
    with pytest.raises(Conflict, match="withdrawn"):
        await release(harness, broken, before.id)
    async with harness.working(visibility=2):
        await harness.idle()
    for bucket in (harness.settings.accepted_bucket, harness.settings.quarantine_bucket):
        assert await harness.versions(bucket) == []


async def test_a_withdrawal_finds_the_bytes_of_a_release_that_ended_early(
    harness: WorkerHarness, broken: Broken
) -> None:
    before = await infected(harness)
    broken.ends_at = ("after", "promote")
    with pytest.raises(Ended):
        await release(harness, broken, before.id)
    await harness.withdraw(before.id)
    async with harness.working(visibility=2):
        await harness.idle()
    for bucket in (harness.settings.accepted_bucket, harness.settings.quarantine_bucket):
        assert await harness.versions(bucket) == []


async def test_a_notification_that_comes_late_removes_no_bytes_that_are_being_released(
    harness: WorkerHarness, broken: Broken
) -> None:
    sent = await harness.put(EICAR, content_type="text/plain")
    before = await _settled(harness, sent, State.INFECTED)
    broken.ends_at = ("after", "promote")
    with pytest.raises(Ended):
        await release(harness, broken, before.id)
    copied = await harness.versions(harness.settings.accepted_bucket)
    async with harness.working(visibility=2):
        await harness.send(harness.notification(sent))
        await harness.idle()
    assert await harness.versions(harness.settings.accepted_bucket) == copied
    broken.ends_at = None
    after = await release(harness, broken, before.id)
    async with harness.working(visibility=2):
        await harness.send(harness.notification(sent))
        await harness.idle()
    # It makes the verdict of today true once more.
    events = [event for event in await harness.events(3) if event["data"]["verdict"]["outcome"] == "accepted"]
    assert {event["id"] for event in events} == {after.event_id}
    assert await harness.accepted() == {accepted_at(after).key: EICAR}


async def test_the_first_of_two_releases_decides(harness: WorkerHarness, broken: Broken) -> None:
    before = await infected(harness)
    first = await release(harness, broken, before.id)
    second = await broken.revision.release(
        await of_today(harness, before.id), harness.profiles.get("default"), by="alan", reason="another"
    )
    assert second.changes == first.changes
    with pytest.raises(VersionGone):
        await broken.revision.release(before, harness.profiles.get("default"), by="alan", reason="another")


async def test_bytes_that_are_no_more_are_not_released(harness: WorkerHarness, broken: Broken) -> None:
    before = await infected(harness)
    assert before.location
    await broken.objects.delete(*before.location)
    with pytest.raises(VersionGone):
        await release(harness, broken, before.id)
    assert await of_today(harness, before.id) == before
