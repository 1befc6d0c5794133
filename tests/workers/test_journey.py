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
from airlock.events import ObjectCreated, withdrawal
from airlock.lifecycle import State
from airlock.verdict import Outcome, Verdict
from aws.dynamodb.records import Record
from aws.s3.objects import Objects
from tests.workers.inspection.checks.samples import HTML
from tests.workers.inspection.clamd import daemon
from tests.workers.inspection.clamd.daemon import Daemon
from tests.workers.site import EICAR, PNG, Sent, Site
from workers.inspection.checks.port import Idle, Report, Subject
from workers.intake.admission import Admission


async def test_an_object_that_nothing_objects_to_is_promoted_byte_by_byte(site: Site) -> None:
    sent = await site.put(PNG, filename="Ünïcode photo.png", metadata={"reference": "A 1"}, size=len(PNG))
    async with site.working():
        record = await site.settled(sent)
        events = await site.events()
        await site.idle()

    assert record.state is State.ACCEPTED
    assert await site.accepted() == {record.accepted_key: PNG}
    assert await site.incoming() == []
    assert record.verdict is not None
    assert (record.verdict.bytes, record.verdict.media_type) == (len(PNG), "image/png")
    assert record.verdict.sha256 == hashlib.sha256(PNG).hexdigest()
    assert [engine.name for engine in record.verdict.engines] == ["yara-x"]
    assert [(event["id"], event["type"]) for event in events] == [(record.event_id, "airlock.upload.accepted")]
    assert events[0]["data"]["metadata"] == {"reference": "A 1"}
    assert events[0]["data"]["location"]["key"] == record.accepted_key
    stored = await site.clients.s3.head_object(Bucket=site.settings.accepted_bucket, Key=record.accepted_key or "")
    assert stored["ContentType"] == "image/png"
    assert stored["Metadata"] == {
        "upload": sent.upload,
        "owner": "alice",
        "profile": "default",
        "filename": "%C3%9Cn%C3%AFcode%20photo.png",
        "sha256": record.verdict.sha256,
    }


async def test_eicar_named_as_a_picture_is_infected_and_never_in_accepted(site: Site) -> None:
    sent = await site.put(EICAR)
    async with site.working():
        record = await site.settled(sent)
        await site.idle()

    assert record.state is State.INFECTED
    assert record.verdict is not None
    assert {finding.code for finding in record.verdict.findings} == {"yara_match", "media_type_mismatch"}
    assert await site.accepted() == {}
    assert await site.incoming() == []
    assert record.place == "quarantine"
    assert record.location is not None
    assert await site.read(*record.location) == EICAR


async def test_every_place_to_which_a_profile_can_send_an_object(site: Site) -> None:
    rejected = await site.put(HTML, profile="strict")
    infected = await site.put(EICAR, profile="strict")
    async with site.working():
        kept, deleted = await site.settled(rejected), await site.settled(infected)
        await site.idle()

    assert (kept.state, kept.place) == (State.REJECTED, "quarantine")
    assert kept.location is not None
    assert kept.location.key == f"{rejected.upload}/{rejected.version_id}"
    stored = await site.clients.s3.head_object(Bucket=kept.location.bucket, Key=kept.location.key)
    assert stored["ContentType"] == "application/octet-stream"
    assert (deleted.state, deleted.place, deleted.location) == (State.INFECTED, "none", None)
    assert await site.incoming() == []


async def test_what_was_declared_is_held_against_the_bytes(site: Site) -> None:
    sent = await site.put(PNG, size=5, sha256="0" * 64)
    async with site.working():
        record = await site.settled(sent)
    assert record.verdict is not None
    assert {finding.code for finding in record.verdict.findings} == {"size_mismatch", "checksum_mismatch"}


async def test_an_empty_object_has_a_verdict(site: Site) -> None:
    sent = await site.put(b"")
    async with site.working():
        record = await site.settled(sent)
    assert record.state is State.ACCEPTED
    assert record.verdict is not None
    assert record.verdict.bytes == 0


async def test_bad_messages_end_in_the_dead_letters_with_their_reasons_and_stop_nothing(site: Site) -> None:
    ours = f"incoming/{site.mint()}"
    foreign = Sent("", "incoming/not-an-id", "v", "e", 1)
    other_bucket = site.notification(Sent("", ours, "v", "e", 1), bucket="somebody-elses")
    bad = {
        "not json": "not JSON",
        "[]": "not a JSON object",
        "{}": "no ObjectCreated notification",
        json.dumps({"Records": []}): "Records",
        json.dumps({"Records": [{"eventName": "ObjectRemoved:Delete", "s3": None}]}): "not as expected",
        site.notification(foreign): "not incoming/ and an upload id",
        other_bucket: "not incoming",
        withdrawal("0" * 48): "does not call withdrawn",
    }
    for body in bad:
        await site.send(body)
    good = await site.put(PNG)
    async with site.working():
        assert (await site.settled(good)).state is State.ACCEPTED
        await site.idle()
        reasons = await site.dead_letters(len(bad))
    assert set(reasons) == set(bad)
    for body, part in bad.items():
        assert part in reasons[body]


async def test_an_object_that_we_did_not_issue_is_buried_and_stays(site: Site) -> None:
    true = site.mint()
    forged = await site.put(PNG, upload=("0" if true[0] != "0" else "1") + true[1:])
    other_owner = await site.put(PNG, upload=site.mint("bob"))
    no_profile = await site.put(PNG, profile="gone")
    bare = await site.put_raw(PNG, site.mint(), {}, "image/png")
    async with site.working():
        await site.idle()
        reasons = " / ".join((await site.dead_letters(4)).values())
    assert reasons.count("not issued by us") == 2
    assert "no profile 'gone'" in reasons
    assert "not written by a policy of ours" in reasons
    assert {key for key, _ in await site.incoming()} == {each.key for each in (forged, other_owner, no_profile, bare)}
    assert await site.accepted() == {}


async def test_several_records_in_one_message_and_the_same_message_twice(site: Site) -> None:
    first, second = await site.put(PNG), await site.put(PNG + b"2")
    body = site.notification(first, second)
    async with site.working():
        await site.send(body)
        await site.send(body)
        records = [await site.settled(each) for each in (first, second)]
        await site.idle()
        events = await site.events(2)
    assert await site.accepted() == {records[0].accepted_key: PNG, records[1].accepted_key: PNG + b"2"}
    assert {event["id"] for event in events} == {record.event_id for record in records}


async def test_a_bad_record_beside_a_good_one_does_not_hide_it(site: Site) -> None:
    good = await site.put(PNG)
    body = site.notification(Sent("", "incoming/nonsense", "v", "e", 1), good)
    async with site.working():
        await site.send(body)
        assert (await site.settled(good)).state is State.ACCEPTED
        assert list(await site.dead_letters()) == [body]


async def test_a_second_version_after_the_verdict_changes_nothing(site: Site) -> None:
    first = await site.put(PNG)
    async with site.working():
        record = await site.settled(first)
        await site.put(EICAR, upload=first.upload)
        await site.put(PNG + b"other", upload=first.upload)
        await site.idle()
    after = await site.records.get(first.upload)
    assert after is not None
    assert after.overwrites == 2
    assert replace(after, overwrites=0, overwritten_at=None) == record
    assert await site.accepted() == {record.accepted_key: PNG}
    assert await site.incoming() == []


async def test_of_two_versions_before_the_verdict_one_wins_and_the_other_is_deleted(site: Site) -> None:
    first = await site.put(PNG)
    second = await site.put(PNG + b"2", upload=first.upload)
    async with site.working():
        record = await site.settled(first)
        await site.idle()
        events = await site.events()
    bytes_of = {first.version_id: PNG, second.version_id: PNG + b"2"}
    assert await site.accepted() == {record.accepted_key: bytes_of[record.version_id]}
    assert len(await site.versions(site.settings.accepted_bucket)) == 1
    assert await site.incoming() == []
    assert {event["id"] for event in events} == {record.event_id}


class Gate(Idle):
    """A check that waits until the test lets it go on, and reports nothing."""

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


async def test_a_withdrawal_during_the_inspection_wins(site: Site) -> None:
    gate = Gate()
    sent = await site.put(PNG)
    async with site.working({**site.checks(), "media_type": gate}):
        await gate.reached.wait()
        # Only the mark: the worker is at it before the message comes.
        await site.records.withdraw(sent.upload, "alice", 1_800_000_000.0)
        gate.open.set()
        await site.idle()
    record = await site.records.get(sent.upload)
    assert record is not None
    assert record.state is State.WITHDRAWN
    assert await site.versions(site.settings.accepted_bucket) == []
    assert await site.incoming() == []


async def test_a_withdrawal_that_removes_the_bytes_during_the_inspection_wins(site: Site) -> None:
    gate = Gate()
    sent = await site.put(PNG)
    async with site.working({**site.checks(), "media_type": gate}):
        await gate.reached.wait()
        await site.withdraw(sent.upload)
        async with asyncio.timeout(60):
            while await site.incoming():  # noqa: ASYNC110 # S3 tells nobody
                await asyncio.sleep(0.02)
        gate.open.set()
        await site.idle()
    assert await site.versions(site.settings.accepted_bucket) == []
    assert (await site.settled(sent)).state is State.WITHDRAWN


async def test_a_worker_that_lost_its_claim_settles_nothing_and_another_try_does(site: Site) -> None:
    gate = Gate()
    sent = await site.put(PNG)
    async with site.working({**site.checks(), "media_type": gate}):
        await gate.reached.wait()
        bound = await site.records.get(sent.upload)
        assert bound is not None
        await site.records.give_back(bound, 1_800_000_000.0)
        gate.open.set()
        record = await site.settled(sent)
        await site.idle()
    assert (record.state, record.attempts) == (State.ACCEPTED, 2)
    assert await site.versions(site.settings.accepted_bucket) == [(record.accepted_key, record.accepted_version)]


async def test_a_version_that_was_settled_but_not_deleted_is_settled_again_with_the_same_event(site: Site) -> None:
    gate = Gate()
    sent = await site.put(PNG)
    async with site.working({**site.checks(), "media_type": gate}):
        await gate.reached.wait()
        verdict = Verdict(outcome=Outcome.REJECTED, bytes=1, inspected_at=datetime(2026, 1, 2, tzinfo=UTC))
        bound = await site.records.get(sent.upload)
        assert bound is not None
        await site.records.settle(bound, verdict, place="none", now=1_800_000_000.0)
        await site.send(site.notification(sent))
        first = await site.events()
        gate.open.set()
        await site.idle()
        second = await site.events()
    assert {json.dumps(event) for event in [*first, *second]} == {json.dumps(first[0])}
    assert first[0]["type"] == "airlock.upload.rejected"
    assert await site.versions(site.settings.accepted_bucket) == []
    assert await site.incoming() == []


@pytest.mark.parametrize("body", [PNG, EICAR])
async def test_a_withdrawal_after_the_verdict_removes_the_bytes_everywhere_and_may_come_twice(
    site: Site, body: bytes
) -> None:
    sent = await site.put(body)
    async with site.working():
        await site.settled(sent)
        await site.idle()
        await site.withdraw(sent.upload)
        await site.withdraw(sent.upload)
        await site.idle()
    for bucket in (site.settings.accepted_bucket, site.settings.quarantine_bucket, site.settings.incoming_bucket):
        assert await site.versions(bucket) == []


async def test_an_object_that_comes_after_its_withdrawal_is_deleted(site: Site) -> None:
    upload = site.mint()
    await site.withdraw(upload)
    await site.put(PNG, upload=upload)
    async with site.working():
        await site.idle()
    assert await site.incoming() == []
    assert await site.accepted() == {}


@pytest.mark.parametrize("kind", ["image/png", "application/zip"])
async def test_a_copy_that_was_never_recorded_is_removed_with_a_withdrawal(site: Site, kind: str) -> None:
    """As after a kill between the copy and the record."""
    sent = await site.put(PNG, content_type=kind)
    objects = Objects(site.clients.s3)
    async with objects.open(site.settings.incoming_bucket, sent.key, sent.version_id, sent.etag) as body:
        admission = Admission(site.settings.incoming_bucket, "incoming", site.profiles, [site.secret])
        event = ObjectCreated(site.settings.incoming_bucket, sent.key, sent.version_id, sent.etag, sent.size, "01")
        arrival = admission.arrival(event, sent.upload, body)
    await site.records.claim(arrival.record(1_800_000_000.0))
    key = keys.accepted(
        arrival.profile.accepted_key,
        upload=sent.upload,
        profile="default",
        owner="alice",
        issued_at=arrival.upload.issued_at,
        media_type=kind,
    )
    await objects.promote(arrival.source, site.settings.accepted_bucket, key, content_type=kind)
    await site.withdraw(sent.upload)
    async with site.working():
        await site.idle()
    assert await site.versions(site.settings.accepted_bucket) == []


async def test_a_withdrawal_is_believed_from_the_record_only(site: Site) -> None:
    sent = await site.put(PNG)
    async with site.working():
        record = await site.settled(sent)
        await site.idle()
        await site.send(withdrawal(sent.upload))
        reasons = await site.dead_letters()
    assert "does not call withdrawn" in next(iter(reasons.values()))
    assert await site.accepted() == {record.accepted_key: PNG}


async def test_an_object_that_somebody_removed_is_done_and_one_that_was_claimed_has_failed(site: Site) -> None:
    never, claimed = await site.put(PNG), await site.put(PNG)
    gate = Gate()
    async with site.working({**site.checks(), "media_type": gate}, concurrency=1, drain_seconds=0):
        await gate.reached.wait()
        await site.clients.s3.delete_objects(
            Bucket=site.settings.incoming_bucket,
            Delete={"Objects": [{"Key": each.key, "VersionId": each.version_id} for each in (never, claimed)]},
        )
    async with site.working():
        await site.idle()
    states = {record.state if record else None for record in (await _records(site, never, claimed))}
    assert states == {None, State.FAILED}


async def _records(site: Site, *sent: Sent) -> list[Record | None]:
    return [await site.records.get(each.upload) for each in sent]


class Heard(logging.Handler):
    """Sets `event` when a message that contains `text` is logged."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.event = asyncio.Event()
        self._text = text

    def emit(self, record: logging.LogRecord) -> None:
        if self._text in record.getMessage():
            self.event.set()


async def test_while_clamd_is_away_nothing_is_taken_and_all_is_accepted_when_it_is_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = daemon.free_port()
    heard = Heard("cannot receive")
    monkeypatch.setattr(logging.getLogger("workers.intake.consumer"), "handlers", [heard])
    sent = await site.put(PNG, profile="scanned")
    async with site.working(clamd=f"tcp://127.0.0.1:{port}"):
        await asyncio.wait_for(heard.event.wait(), 20)
        assert await site.records.get(sent.upload) is None
        async with daemon.running(port):
            record = await site.settled(sent)
            await site.idle()
    assert (record.state, record.attempts) == (State.ACCEPTED, 1)
    assert record.verdict is not None
    assert [engine.name for engine in record.verdict.engines] == ["clamav"]


class Failing(Idle):
    """An engine that says it is there, and fails when it is to look."""

    name = "clamd"

    def begin(self, subject: Subject) -> "Failing":
        return self

    async def feed(self, chunk: bytes) -> None:
        return

    async def finish(self) -> Report:
        raise Unavailable("clamd", "cannot be reached")


async def test_after_the_last_attempt_it_has_failed_and_an_operator_can_send_it_again(site: Site) -> None:
    sent = await site.put(PNG, profile="scanned")
    failing = {**site.checks(), "clamd": Failing()}
    # The poll that a worker breaks off when it stops can take a message with it, for as long as it is then hidden.
    async with site.working(failing, max_attempts=1, visibility=2):
        record = await site.settled(sent)
        letters = await site.dead_letters()
    assert (record.state, record.place) == (State.FAILED, "incoming")
    assert record.verdict is not None
    assert record.verdict.outcome is Outcome.FAILED
    assert "clamd: cannot be reached" in record.verdict.findings[0].message
    assert [key for key, _ in await site.incoming()] == [sent.key]
    (body, reason) = next(iter(letters.items()))
    assert "clamd" in reason

    await site.send(body)
    port = daemon.free_port()
    async with daemon.running(port), site.working(clamd=f"tcp://127.0.0.1:{port}"):
        again = await site.recorded(sent.upload, lambda record: record.state is State.ACCEPTED)
        await site.idle()
    assert await site.accepted() == {again.accepted_key: PNG}
    told = {event["type"]: event["id"] for event in await site.events(2)}
    assert set(told) == {"airlock.upload.failed", "airlock.upload.accepted"}
    assert len(set(told.values())) == 2


async def test_a_real_clamd_finds_eicar_on_the_way(site: Site, clamd: Daemon) -> None:
    sent = await site.put(EICAR, profile="scanned")
    async with site.working(clamd=clamd.unix):
        record = await site.settled(sent)
    assert record.state is State.INFECTED
    assert record.verdict is not None
    assert [finding.code for finding in record.verdict.findings] == ["clamd_match"]


async def test_a_larger_object_is_read_in_chunks_and_scanned_in_windows(site: Site) -> None:
    body = PNG + bytes(20 * 1024**2) + EICAR
    sent = await site.put(body)
    async with site.working():
        record = await site.settled(sent)
        await site.idle()
    assert record.state is State.INFECTED
    assert record.verdict is not None
    assert record.verdict.bytes == len(body)
    assert record.verdict.sha256 == hashlib.sha256(body).hexdigest()
