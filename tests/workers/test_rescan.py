"""A rescan revokes, once, what newer signatures match; every other upload stays as it is."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from unittest import mock

import pytest

from airlock import events, verdict_event
from airlock.errors import Unavailable
from airlock.lifecycle import State, Step
from airlock.verdict import Outcome
from aws.s3.objects import Objects
from aws.settings import AwsSettings
from aws.sqs.answers import Message
from tests.service.deployed import deployed_service
from tests.workers.harness import EICAR, PNG, WorkerHarness, accepted_at, harness_in
from tests.workers.inspection.clamd.daemon import Daemon
from tests.workers.rescanning import (
    BAD,
    WEAK,
    Interrupted,
    accepted,
    events_by_id,
    parts_of,
    record_of,
    renew,
    rescanned,
)
from workers.intake.disposition import Bury, Done, Wait


@pytest.fixture
async def harness(deployment: AwsSettings, tmp_path: Path) -> AsyncIterator[WorkerHarness]:
    """A deployment with an empty folder of rules."""
    rules = tmp_path / "rules"
    rules.mkdir()
    # A worker that ends can still receive a message, which is then hidden for this time.
    async with harness_in(deployment, tmp_path, yara_rules=rules, visibility=2) as here:
        yield here


async def test_exactly_what_the_new_rule_matches_is_revoked(harness: WorkerHarness) -> None:
    good, bad = await accepted(harness, PNG, BAD)
    renew(harness)
    still, revoked = await rescanned(harness, good, bad, times=3)

    assert (still.state, still.location, still.verdict, still.changes) == (good.state, good.location, good.verdict, ())
    assert still.rescanned
    assert still.rescanned.outcome is Outcome.ACCEPTED
    assert (revoked.state, revoked.place, revoked.moving_from) == (State.INFECTED, "quarantine", None)
    assert revoked.verdict
    assert [finding.code for finding in revoked.verdict.findings] == ["yara_match"]
    [change] = revoked.changes
    assert (change.step, change.before, change.by, change.reason) == (
        Step.REVOKE,
        Outcome.ACCEPTED,
        "worker",
        "yara_match",
    )
    assert await harness.accepted() == {accepted_at(good).key: PNG}
    assert len(await harness.versions(harness.settings.accepted_bucket)) == 1
    assert revoked.location
    assert await harness.versions(harness.settings.quarantine_bucket) == [revoked.location[1:]]
    assert await harness.read(*revoked.location) == BAD
    head = await harness.clients.s3.head_object(Bucket=revoked.location.bucket, Key=revoked.location.key)
    assert head["ContentType"] == "application/octet-stream"

    published = await events_by_id(harness)
    assert list(published) == [verdict_event.event_id(bad.id, bad.version_id, 1)] == [revoked.event_id]
    [[event]] = published.values()
    assert event["type"] == "airlock.upload.infected"
    assert event["data"]["changes"][0]["step"] == "revoke"


async def test_revoked_bytes_cannot_be_downloaded_any_more(harness: WorkerHarness) -> None:
    [bad] = await accepted(harness, BAD, owner="shop")
    deployment = AwsSettings(**harness.settings.model_dump(include=set(AwsSettings.model_fields)))
    async with deployed_service(deployment) as service:
        content = f"/v1/uploads/{bad.id}/content"
        assert (await service.ask("GET", content)).status == 302
        renew(harness)
        await rescanned(harness, bad)
        answer = await service.ask("GET", content)
        assert (answer.status, answer.json["code"]) == (409, "not_accepted")
        shown = (await service.ask("GET", f"/v1/uploads/{bad.id}")).json
        assert (shown["state"], [change["step"] for change in shown["changes"]]) == ("infected", ["revoke"])


async def test_revoked_bytes_are_deleted_where_the_profile_keeps_no_infected_ones(harness: WorkerHarness) -> None:
    [bad] = await accepted(harness, BAD, profile="strict")
    renew(harness)
    [revoked] = await rescanned(harness, bad)
    assert (revoked.state, revoked.place, revoked.location) == (State.INFECTED, "none", None)
    for bucket in (harness.settings.accepted_bucket, harness.settings.quarantine_bucket):
        assert await harness.versions(bucket) == []


async def test_a_finding_that_is_not_infected_is_recorded_and_revokes_nothing(harness: WorkerHarness) -> None:
    [record] = await accepted(harness, BAD)
    renew(harness, WEAK)
    [still] = await rescanned(harness, record)
    assert (still.state, still.verdict, still.location) == (State.ACCEPTED, record.verdict, record.location)
    assert still.rescanned
    assert still.rescanned.outcome is Outcome.REJECTED
    assert still.rescanned.engines != record.verdict.engines  # type: ignore[union-attr]  # it has a verdict
    assert await events_by_id(harness) == {}


@pytest.mark.parametrize("described", [True, False])
async def test_a_rescan_notices_that_the_bytes_were_replaced(harness: WorkerHarness, described: bool) -> None:
    [record] = await accepted(harness, PNG)
    assert record.location
    stored = await harness.clients.s3.head_object(Bucket=record.location.bucket, Key=record.location.key)
    metadata = stored["Metadata"] if described else {}
    await harness.clients.s3.delete_object(
        Bucket=record.location.bucket, Key=record.location.key, VersionId=record.location.version_id
    )
    other = await harness.clients.s3.put_object(
        Bucket=record.location.bucket, Key=record.location.key, Body=PNG + b"x", Metadata=metadata
    )
    key = {"id": {"S": record.id}}
    location = {"L": [{"S": record.location.bucket}, {"S": record.location.key}, {"S": other["VersionId"]}]}
    await harness.clients.dynamodb.update_item(
        TableName=harness.settings.table,
        Key=key,
        UpdateExpression="SET #location = :other",
        ExpressionAttributeNames={"#location": "location"},
        ExpressionAttributeValues={":other": location},
    )
    if described:
        [still] = await rescanned(harness, record)
        assert still.rescanned
        assert [finding.code for finding in still.rescanned.findings] == ["checksum_mismatch"]
        assert still.state is State.ACCEPTED
    else:
        async with parts_of(harness) as parts:
            message = Message("id", "receipt", events.rescan(record.id), 1)
            assert isinstance(await parts.executor.execute(message), Bury)


async def test_a_released_upload_is_revoked_only_for_findings_that_are_new(harness: WorkerHarness) -> None:
    sent = await harness.put(EICAR + b"new malware", content_type="text/plain")
    async with harness.working():
        infected = await harness.settled(sent)
        await harness.idle()
    await harness.events()
    async with parts_of(harness) as parts:
        profile = harness.profiles.get("default")
        released = await parts.revision.release(infected, profile, by="grace", reason="a test file that we know")
    await harness.events()
    [still] = await rescanned(harness, released)
    assert (still.state, still.changes) == (State.ACCEPTED, released.changes)
    assert still.rescanned
    assert still.rescanned.outcome is Outcome.INFECTED

    renew(harness)
    [revoked] = await rescanned(harness, released)
    assert revoked.state is State.INFECTED
    assert [change.step for change in revoked.changes] == [Step.RELEASE, Step.REVOKE]
    assert list(await events_by_id(harness)) == [verdict_event.event_id(sent.upload, sent.version_id, 2)]


@pytest.mark.parametrize("what", ["unknown", "withdrawn", "revoked", "vanished"])
async def test_an_upload_that_is_not_accepted_any_more_stays_as_it_is(harness: WorkerHarness, what: str) -> None:
    [record] = await accepted(harness, BAD)
    upload = "0" * 60 if what == "unknown" else record.id
    if what == "withdrawn":
        async with harness.working():
            await harness.withdraw(record.id)
            await harness.idle()
    renew(harness)
    if what == "revoked":
        await rescanned(harness, record)
        await harness.events()
    if what == "vanished":
        assert record.location
        await Objects(harness.clients.s3).delete(*record.location)
    before = await harness.records.get(upload)
    async with parts_of(harness) as parts:
        assert await parts.rescan.rescan(upload) == Done()
    assert await harness.records.get(upload) == before
    assert await events_by_id(harness) == {}


async def test_an_upload_whose_profile_was_removed_waits(harness: WorkerHarness) -> None:
    [record] = await accepted(harness, PNG)
    path = harness.settings.profiles
    path.write_text('default_profile = "strict"\n' + path.read_text().replace("[profiles.default]", "[profiles.other]"))
    async with parts_of(harness) as parts:
        message = Message("id", "receipt", events.rescan(record.id), 1)
        assert isinstance(await parts.executor.execute(message), Wait)
        assert parts.executor.skews.recent() == ["this worker has no profile 'default'"]


async def test_a_rescan_without_its_engine_is_retried_and_changes_nothing(
    deployment: AwsSettings, tmp_path: Path, clamd: Daemon
) -> None:
    async with harness_in(deployment, tmp_path, clamd=clamd.unix, max_attempts=2, visibility=2) as harness:
        [record] = await accepted(harness, PNG, profile="scanned")
        await harness.send(events.rescan(record.id))
        with mock.patch(
            "workers.inspection.clamd.check.ClamdCheck.begin", side_effect=Unavailable("clamd", "cannot be reached")
        ):
            async with harness.working():
                reasons = await harness.dead_letters()
        assert list(reasons.values()) == ["after 2 attempts: clamd: cannot be reached"]
        assert await harness.records.get(record.id) == record


@pytest.mark.long
async def test_at_whichever_call_a_worker_ends_the_next_one_reaches_the_same_end(harness: WorkerHarness) -> None:
    records = await accepted(harness, *(BAD + bytes([number]) for number in range(24)))
    renew(harness)
    ended: list[str] = []
    for left, record in enumerate(records):
        async with parts_of(harness, left) as parts:
            try:
                await parts.rescan.rescan(record.id)
            except Interrupted:
                ended.append(parts.calls[-1] if parts.calls else "nothing")
            else:
                break
        async with parts_of(harness) as parts:
            assert await parts.rescan.rescan(record.id) == Done()
    else:
        pytest.fail("it never came to its end")
    assert {"begin_change", "promote", "change", "send", "delete_versions"} <= set(ended)

    revoked = records[: len(ended) + 1]
    for before in revoked:
        record = await record_of(harness, before.id)
        assert (record.state, len(record.changes), record.moving_from) == (State.INFECTED, 1, None)
        assert record.location
        assert await harness.versions(harness.settings.quarantine_bucket, record.id) == [record.location[1:]]
        assert await harness.versions(harness.settings.accepted_bucket, accepted_at(before).key) == []
    by_id = await events_by_id(harness)
    assert by_id.keys() == {verdict_event.event_id(each.id, each.version_id, 1) for each in revoked}
    for same in by_id.values():
        assert all(json.dumps(event) == json.dumps(same[0]) for event in same)
