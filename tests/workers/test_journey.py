"""The journey of an object through a real S3, SQS and DynamoDB, with a worker in this process."""

import hashlib
import json
from dataclasses import replace

import pytest

from airlock.events import withdrawal
from airlock.lifecycle import State
from tests.workers.deployment_reader import Sent
from tests.workers.harness import EICAR, PNG, WorkerHarness, accepted_at
from tests.workers.inspection.checks.samples import HTML
from tests.workers.inspection.clamd.daemon import Daemon
from workers.intake import waiting


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
    sent = await harness.put(b"", content_type="text/plain", filename="empty.txt")
    async with harness.working():
        record = await harness.settled(sent)
    assert record.state is State.ACCEPTED
    assert record.verdict is not None
    assert record.verdict.bytes == 0


async def test_bad_messages_become_dead_letters_with_their_reasons_and_delay_no_other(harness: WorkerHarness) -> None:
    foreign = Sent("", "incoming/not-an-id", "v", "e", 1)
    bad = {
        "not json": "not JSON",
        "[]": "not a JSON object",
        "{}": "no ObjectCreated notification",
        json.dumps({"Records": []}): "Records",
        json.dumps({"Records": [{"eventName": "ObjectRemoved:Delete", "s3": None}]}): "not as expected",
        harness.notification(foreign): "does not end in an upload id",
        withdrawal("0" * 60): "does not say that it was withdrawn",
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


async def test_an_object_without_our_metadata_is_buried_and_stays(harness: WorkerHarness) -> None:
    bare = await harness.put_raw(PNG, harness.mint(), {}, "image/png")
    async with harness.working():
        [reason] = (await harness.dead_letters(1)).values()
    assert "not written by a policy of ours" in reason
    assert [key for key, _ in await harness.incoming()] == [bare.key]


async def test_an_object_that_this_configuration_did_not_issue_is_not_inspected_and_stays_and_waits(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "LONGEST", -1)
    true = harness.mint()
    forged = await harness.put(PNG, upload=("0" if true[0] != "0" else "1") + true[1:])
    other_owner = await harness.put(PNG, upload=harness.mint("bob"))
    no_profile = await harness.put(PNG, profile="gone")
    elsewhere = Sent("", f"incoming/{harness.mint()}", "v", "e", 1)
    await harness.send(harness.notification(elsewhere, bucket="another-bucket"))
    await harness.send(harness.notification(replace(elsewhere, key=f"other/{harness.mint()}")))
    async with harness.working():
        reasons = sorted((await harness.dead_letters(5)).values())
    assert [reason.removeprefix("after a day: ") for reason in reasons] == [
        "no secret of this worker signed the upload id for the owner in the metadata",
        "no secret of this worker signed the upload id for the owner in the metadata",
        f"the bucket 'another-bucket' is not this worker's incoming bucket, {harness.settings.incoming_bucket!r}",
        "the prefix 'other' is not this worker's, 'incoming'",
        "this worker has no profile 'gone'",
    ]
    assert {key for key, _ in await harness.incoming()} == {each.key for each in (forged, other_owner, no_profile)}
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
