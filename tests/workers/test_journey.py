"""The journey of an object through a real S3, SQS and DynamoDB, with a worker in this process."""

import asyncio
import hashlib
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from airlock import keys
from airlock.errors import Unavailable
from airlock.events import withdrawal
from airlock.lifecycle import State
from airlock.verdict import Outcome, Verdict
from aws.dynamodb.records import Record
from aws.s3.objects import Objects
from tests.workers.harness import EICAR, PNG, Sent, WorkerHarness, accepted_at
from tests.workers.inspection.checks.samples import HTML
from tests.workers.inspection.clamd import daemon
from tests.workers.inspection.clamd.daemon import Daemon
from workers.inspection.checks.port import BaseCheck, BaseScan, Report, Subject


async def test_an_object_without_findings_is_copied_to_accepted_unchanged(harness: WorkerHarness) -> None:
    sent = await harness.put(PNG, filename="Ünïcode photo.png", metadata={"reference": "A 1"}, size=len(PNG))
    async with harness.working():
        record = await harness.settled(sent)
        events = await harness.events()
        await harness.idle()

    assert record.state is State.ACCEPTED
    assert await harness.accepted() == {accepted_at(record).key: PNG}
    assert await harness.incoming() == []
    assert record.verdict is not None
    assert (record.verdict.bytes, record.verdict.media_type) == (len(PNG), "image/png")
    assert record.verdict.sha256 == hashlib.sha256(PNG).hexdigest()
    assert [engine.name for engine in record.verdict.engines] == ["yara-x"]
    assert [(event["id"], event["type"]) for event in events] == [(record.event_id, "airlock.upload.accepted")]
    assert events[0]["data"]["metadata"] == {"reference": "A 1"}
    assert events[0]["data"]["location"]["key"] == accepted_at(record).key
    stored = await harness.clients.s3.head_object(Bucket=harness.settings.accepted_bucket, Key=accepted_at(record).key)
    assert stored["ContentType"] == "image/png"
    assert stored["Metadata"] == {
        "upload": sent.upload,
        "owner": "alice",
        "profile": "default",
        "filename": "%C3%9Cn%C3%AFcode%20photo.png",
        "sha256": record.verdict.sha256,
    }


async def test_eicar_named_as_an_image_is_infected_and_never_in_accepted(harness: WorkerHarness) -> None:
    sent = await harness.put(EICAR)
    async with harness.working():
        record = await harness.settled(sent)
        await harness.idle()

    assert record.state is State.INFECTED
    assert record.verdict is not None
    assert {finding.code for finding in record.verdict.findings} == {"yara_match", "media_type_mismatch"}
    assert await harness.accepted() == {}
    assert await harness.incoming() == []
    assert record.place == "quarantine"
    assert record.location is not None
    assert await harness.read(*record.location) == EICAR


async def test_the_profile_decides_where_an_object_goes(harness: WorkerHarness) -> None:
    rejected = await harness.put(HTML, profile="strict")
    infected = await harness.put(EICAR, profile="strict")
    async with harness.working():
        kept, deleted = await harness.settled(rejected), await harness.settled(infected)
        await harness.idle()

    assert (kept.state, kept.place) == (State.REJECTED, "quarantine")
    assert kept.location is not None
    assert kept.location.key == f"{rejected.upload}/{rejected.version_id}"
    stored = await harness.clients.s3.head_object(Bucket=kept.location.bucket, Key=kept.location.key)
    assert stored["ContentType"] == "application/octet-stream"
    assert (deleted.state, deleted.place, deleted.location) == (State.INFECTED, "none", None)
    assert await harness.incoming() == []


async def test_the_declared_size_and_checksum_are_compared_with_the_bytes(harness: WorkerHarness) -> None:
    sent = await harness.put(PNG, size=5, sha256="0" * 64)
    async with harness.working():
        record = await harness.settled(sent)
    assert record.verdict is not None
    assert {finding.code for finding in record.verdict.findings} == {"size_mismatch", "checksum_mismatch"}


async def test_an_empty_object_has_a_verdict(harness: WorkerHarness) -> None:
    sent = await harness.put(b"")
    async with harness.working():
        record = await harness.settled(sent)
    assert record.state is State.ACCEPTED
    assert record.verdict is not None
    assert record.verdict.bytes == 0


async def test_bad_messages_become_dead_letters_with_their_reasons_and_delay_no_other(harness: WorkerHarness) -> None:
    ours = f"incoming/{harness.mint()}"
    foreign = Sent("", "incoming/not-an-id", "v", "e", 1)
    other_bucket = harness.notification(Sent("", ours, "v", "e", 1), bucket="another-bucket")
    bad = {
        "not json": "not JSON",
        "[]": "not a JSON object",
        "{}": "no ObjectCreated notification",
        json.dumps({"Records": []}): "Records",
        json.dumps({"Records": [{"eventName": "ObjectRemoved:Delete", "s3": None}]}): "not as expected",
        harness.notification(foreign): "not incoming/ and an upload id",
        other_bucket: "is not the incoming bucket",
        withdrawal("0" * 48): "does not say that it was withdrawn",
    }
    for body in bad:
        await harness.send(body)
    good = await harness.put(PNG)
    async with harness.working():
        assert (await harness.settled(good)).state is State.ACCEPTED
        await harness.idle()
        reasons = await harness.dead_letters(len(bad))
    assert set(reasons) == set(bad)
    for body, part in bad.items():
        assert part in reasons[body]


async def test_an_object_that_we_did_not_issue_is_buried_and_stays(harness: WorkerHarness) -> None:
    true = harness.mint()
    forged = await harness.put(PNG, upload=("0" if true[0] != "0" else "1") + true[1:])
    other_owner = await harness.put(PNG, upload=harness.mint("bob"))
    no_profile = await harness.put(PNG, profile="gone")
    bare = await harness.put_raw(PNG, harness.mint(), {}, "image/png")
    async with harness.working():
        await harness.idle()
        reasons = " / ".join((await harness.dead_letters(4)).values())
    assert reasons.count("not issued by us") == 2
    assert "no profile 'gone'" in reasons
    assert "not written by a policy of ours" in reasons
    assert {key for key, _ in await harness.incoming()} == {
        each.key for each in (forged, other_owner, no_profile, bare)
    }
    assert await harness.accepted() == {}


async def test_several_records_in_one_message_and_the_same_message_twice(harness: WorkerHarness) -> None:
    first, second = await harness.put(PNG), await harness.put(PNG + b"2")
    body = harness.notification(first, second)
    async with harness.working():
        await harness.send(body)
        await harness.send(body)
        records = [await harness.settled(each) for each in (first, second)]
        await harness.idle()
        events = await harness.events(2)
    assert await harness.accepted() == {accepted_at(records[0]).key: PNG, accepted_at(records[1]).key: PNG + b"2"}
    assert {event["id"] for event in events} == {record.event_id for record in records}


async def test_a_bad_record_beside_a_good_one_does_not_hide_it(harness: WorkerHarness) -> None:
    good = await harness.put(PNG)
    body = harness.notification(Sent("", "incoming/nonsense", "v", "e", 1), good)
    async with harness.working():
        await harness.send(body)
        assert (await harness.settled(good)).state is State.ACCEPTED
        assert list(await harness.dead_letters()) == [body]


async def test_a_second_version_after_the_verdict_changes_nothing(harness: WorkerHarness) -> None:
    first = await harness.put(PNG)
    async with harness.working():
        record = await harness.settled(first)
        await harness.put(EICAR, upload=first.upload)
        await harness.put(PNG + b"other", upload=first.upload)
        await harness.idle()
    after = await harness.records.get(first.upload)
    assert after is not None
    assert after.overwrites == 2
    assert replace(after, overwrites=0, overwritten_at=None) == record
    assert await harness.accepted() == {accepted_at(record).key: PNG}
    assert await harness.incoming() == []


async def test_of_two_versions_before_the_verdict_one_wins_and_the_other_is_deleted(harness: WorkerHarness) -> None:
    first = await harness.put(PNG)
    second = await harness.put(PNG + b"2", upload=first.upload)
    async with harness.working():
        record = await harness.settled(first)
        await harness.idle()
        events = await harness.events()
    bytes_of = {first.version_id: PNG, second.version_id: PNG + b"2"}
    assert await harness.accepted() == {accepted_at(record).key: bytes_of[record.version_id]}
    assert len(await harness.versions(harness.settings.accepted_bucket)) == 1
    assert await harness.incoming() == []
    assert {event["id"] for event in events} == {record.event_id}


class Gate(BaseCheck, BaseScan):
    """A check that waits until the test opens it, and finds nothing."""

    name = "media_type"

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    def begin(self, subject: Subject) -> "Gate":
        return self

    async def feed(self, chunk: bytes) -> None:
        self.reached.set()
        await self.open.wait()

    async def finish(self) -> Report:
        return Report()


async def test_a_withdrawal_during_the_inspection_wins(harness: WorkerHarness) -> None:
    gate = Gate()
    sent = await harness.put(PNG)
    async with harness.working({**harness.checks(), "media_type": gate}):
        await gate.reached.wait()
        # Only the record is marked: the worker finds that out before any message comes.
        await harness.records.withdraw(sent.upload, "alice", 1_800_000_000.0)
        gate.open.set()
        await harness.idle()
    record = await harness.records.get(sent.upload)
    assert record is not None
    assert record.state is State.WITHDRAWN
    assert await harness.versions(harness.settings.accepted_bucket) == []
    assert await harness.incoming() == []


async def test_a_withdrawal_that_removes_the_bytes_during_the_inspection_wins(harness: WorkerHarness) -> None:
    gate = Gate()
    sent = await harness.put(PNG)
    async with harness.working({**harness.checks(), "media_type": gate}):
        await gate.reached.wait()
        await harness.withdraw(sent.upload)
        async with asyncio.timeout(60):
            while await harness.incoming():  # noqa: ASYNC110 # S3 notifies of no deletion
                await asyncio.sleep(0.02)
        gate.open.set()
        await harness.idle()
    assert await harness.versions(harness.settings.accepted_bucket) == []
    assert (await harness.settled(sent)).state is State.WITHDRAWN


async def test_a_worker_that_lost_its_claim_settles_nothing_and_the_next_attempt_does(harness: WorkerHarness) -> None:
    gate = Gate()
    sent = await harness.put(PNG)
    async with harness.working({**harness.checks(), "media_type": gate}):
        await gate.reached.wait()
        bound = await harness.records.get(sent.upload)
        assert bound is not None
        await harness.records.give_back(bound, 1_800_000_000.0)
        gate.open.set()
        record = await harness.settled(sent)
        await harness.idle()
    assert (record.state, record.attempts) == (State.ACCEPTED, 2)
    assert await harness.versions(harness.settings.accepted_bucket) == [accepted_at(record)[1:]]


async def test_a_version_that_was_settled_but_not_deleted_is_settled_again_with_the_same_event(
    harness: WorkerHarness,
) -> None:
    gate = Gate()
    sent = await harness.put(PNG)
    async with harness.working({**harness.checks(), "media_type": gate}):
        await gate.reached.wait()
        verdict = Verdict(outcome=Outcome.REJECTED, bytes=1, inspected_at=datetime(2026, 1, 2, tzinfo=UTC))
        bound = await harness.records.get(sent.upload)
        assert bound is not None
        await harness.records.settle(bound, verdict, place="none", now=1_800_000_000.0)
        await harness.send(harness.notification(sent))
        first = await harness.events()
        gate.open.set()
        await harness.idle()
        second = await harness.events()
    assert {json.dumps(event) for event in [*first, *second]} == {json.dumps(first[0])}
    assert first[0]["type"] == "airlock.upload.rejected"
    assert await harness.versions(harness.settings.accepted_bucket) == []
    assert await harness.incoming() == []


@pytest.mark.parametrize("body", [PNG, EICAR])
async def test_a_withdrawal_after_the_verdict_removes_the_bytes_everywhere_and_may_come_twice(
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


@pytest.mark.parametrize("kind", ["image/png", "application/zip"])
async def test_a_copy_that_was_never_recorded_is_removed_with_a_withdrawal(harness: WorkerHarness, kind: str) -> None:
    """A worker was killed after the copy, before it recorded it."""
    sent = await harness.put(PNG, content_type=kind)
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


async def test_an_object_deleted_by_others_is_done_and_a_claimed_one_has_failed(
    harness: WorkerHarness,
) -> None:
    never, claimed = await harness.put(PNG), await harness.put(PNG)
    gate = Gate()
    async with harness.working({**harness.checks(), "media_type": gate}, concurrency=1, drain_seconds=0):
        await gate.reached.wait()
        await harness.clients.s3.delete_objects(
            Bucket=harness.settings.incoming_bucket,
            Delete={"Objects": [{"Key": each.key, "VersionId": each.version_id} for each in (never, claimed)]},
        )
    async with harness.working():
        await harness.idle()
    states = {record.state if record else None for record in (await _records(harness, never, claimed))}
    assert states == {None, State.FAILED}


async def _records(harness: WorkerHarness, *sent: Sent) -> list[Record | None]:
    return [await harness.records.get(each.upload) for each in sent]


class Heard(logging.Handler):
    """Sets `event` when a message that contains `text` is logged."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.event = asyncio.Event()
        self._text = text

    def emit(self, record: logging.LogRecord) -> None:
        if self._text in record.getMessage():
            self.event.set()


async def test_while_clamd_is_unavailable_no_message_is_received_and_later_all_are_accepted(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = daemon.free_port()
    heard = Heard("cannot receive")
    monkeypatch.setattr(logging.getLogger("workers.intake.consumer"), "handlers", [heard])
    sent = await harness.put(PNG, profile="scanned")
    async with harness.working(clamd=f"tcp://127.0.0.1:{port}"):
        await asyncio.wait_for(heard.event.wait(), 20)
        assert await harness.records.get(sent.upload) is None
        async with daemon.running(port):
            record = await harness.settled(sent)
            await harness.idle()
    assert (record.state, record.attempts) == (State.ACCEPTED, 1)
    assert record.verdict is not None
    assert [engine.name for engine in record.verdict.engines] == ["clamav"]


class Failing(BaseCheck, BaseScan):
    """An engine that says that it is ready, and fails in the inspection."""

    name = "clamd"

    def begin(self, subject: Subject) -> "Failing":
        return self

    async def feed(self, chunk: bytes) -> None:
        return

    async def finish(self) -> Report:
        raise Unavailable("clamd", "cannot be reached")


async def test_after_the_last_attempt_an_upload_has_failed_and_an_operator_can_redrive_it(
    harness: WorkerHarness,
) -> None:
    sent = await harness.put(PNG, profile="scanned")
    failing = {**harness.checks(), "clamd": Failing()}
    # A poll that is cancelled when a worker stops can hide a message for its visibility timeout.
    async with harness.working(failing, max_attempts=1, visibility=2):
        record = await harness.settled(sent)
        letters = await harness.dead_letters()
    assert (record.state, record.place) == (State.FAILED, "incoming")
    assert record.verdict is not None
    assert record.verdict.outcome is Outcome.FAILED
    assert "clamd: cannot be reached" in record.verdict.findings[0].message
    assert [key for key, _ in await harness.incoming()] == [sent.key]
    (body, reason) = next(iter(letters.items()))
    assert "clamd" in reason

    await harness.send(body)
    port = daemon.free_port()
    async with daemon.running(port), harness.working(clamd=f"tcp://127.0.0.1:{port}"):
        again = await harness.recorded(sent.upload, lambda record: record.state is State.ACCEPTED)
        await harness.idle()
    assert await harness.accepted() == {accepted_at(again).key: PNG}
    ids = {event["type"]: event["id"] for event in await harness.events(2)}
    assert set(ids) == {"airlock.upload.failed", "airlock.upload.accepted"}
    assert len(set(ids.values())) == 2


async def test_a_real_clamd_finds_eicar(harness: WorkerHarness, clamd: Daemon) -> None:
    sent = await harness.put(EICAR, profile="scanned")
    async with harness.working(clamd=clamd.unix):
        record = await harness.settled(sent)
    assert record.state is State.INFECTED
    assert record.verdict is not None
    assert [finding.code for finding in record.verdict.findings] == ["clamd_match"]


async def test_a_larger_object_is_read_in_chunks_and_scanned_in_windows(harness: WorkerHarness) -> None:
    body = PNG + bytes(20 * 1024**2) + EICAR
    sent = await harness.put(body)
    async with harness.working():
        record = await harness.settled(sent)
        await harness.idle()
    assert record.state is State.INFECTED
    assert record.verdict is not None
    assert record.verdict.bytes == len(body)
    assert record.verdict.sha256 == hashlib.sha256(body).hexdigest()
