"""ops.reconcile: whatever events missed is found, sent down the same path, and found no more."""

import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from airlock import keys, upload_id
from airlock.errors import Unavailable
from airlock.lifecycle import LATEST_ARRIVAL_SECONDS, State, Step
from airlock.verdict import Outcome, Verdict
from aws.clients import connect
from aws.dynamodb.records import Location, Record
from aws.s3.objects import Objects
from aws.settings import AwsSettings
from ops.reconcile.discrepancy import Discrepancy
from ops.reconcile.options import Options
from ops.reconcile.run import reconcile
from ops.reconcile.summary import Summary
from tests.deployment import connected_as, keys_of
from tests.deployment_pool import Pool, emptied
from tests.ops.terminal import Ran, airlock
from tests.workers.deployment_reader import Sent
from tests.workers.harness import EICAR, PNG, WorkerHarness, harness_in
from workers.intake.arrival import Arrival

HOUR = 3600.0
DAY = 24 * HOUR
QUICKLY = 3
"""Seconds after which a message comes again that a worker took while it ended."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def silent(deployment_pool: Pool) -> AwsSettings:
    """A deployment whose incoming bucket notifies nobody."""
    made = await deployment_pool.make()
    async with connect(made, services=("s3",)) as clients:
        await clients.s3.put_bucket_notification_configuration(
            Bucket=made.incoming_bucket, NotificationConfiguration={}
        )
    return made


@pytest.fixture
async def harness(silent: AwsSettings, tmp_path: Path) -> AsyncIterator[WorkerHarness]:
    """A deployment whose notifications are all lost."""
    await emptied(silent)
    async with harness_in(silent, tmp_path) as here:
        yield here


async def run(harness: WorkerHarness, later: float = HOUR, **options: Any) -> Summary:
    """A run as the operator's user, so much later than now."""
    async with connected_as(keys_of("operator", harness.settings), harness.settings) as clients:
        return await reconcile(clients, harness.settings, Options(**options), now=lambda: time.time() + later)


async def found(harness: WorkerHarness, later: float = HOUR, **options: Any) -> dict[Discrepancy, int]:
    """What a dry run finds, by kind."""
    summary = await run(harness, later, dry_run=True, **options)
    assert summary.repairs == 0
    return {each: count.found for each, count in summary.counts.items()}


async def worked_off(harness: WorkerHarness) -> None:
    """A worker takes what was sent, and ends."""
    async with harness.working(visibility=QUICKLY):
        await harness.idle()


async def repaired(harness: WorkerHarness, discrepancy: Discrepancy, count: int = 1, **options: Any) -> None:
    """That is found, by a dry run as by the run that repairs it; after the worker nothing is."""
    assert await found(harness, **options) == {discrepancy: count}
    await harness.idle()
    summary = await run(harness, **options)
    assert (summary.of(discrepancy).found, summary.of(discrepancy).repaired, summary.of(discrepancy).left) == (
        count,
        count,
        0,
    )
    await worked_off(harness)
    assert await found(harness, **options) == {}


async def claimed(harness: WorkerHarness, sent: Sent) -> Arrival:
    """As by a worker that ended then."""
    arrived = await harness.arrival(sent)
    await harness.records.claim(arrived.record(time.time()))
    return arrived


def accepted_key(arrived: Arrival) -> str:
    return keys.accepted(
        arrived.profile.accepted_key,
        upload=arrived.upload.text,
        profile=arrived.profile.name,
        owner=arrived.intent.owner,
        issued_at=arrived.upload.issued_at,
        media_type=arrived.intent.content_type,
    )


async def copied(harness: WorkerHarness, arrived: Arrival) -> Location:
    bucket, key = harness.settings.accepted_bucket, accepted_key(arrived)
    made = await Objects(harness.clients.s3).promote(arrived.source, bucket, key, content_type="image/png")
    return Location(bucket, key, made.version_id)


async def recorded(harness: WorkerHarness, arrived: Arrival) -> Record:
    """Accepted and recorded, as by a worker that ended before it told anybody."""
    verdict = Verdict(outcome=Outcome.ACCEPTED, bytes=len(PNG), inspected_at=datetime.now(UTC))
    bound = await harness.records.get(arrived.upload.text)
    assert bound is not None
    return await harness.records.settle(
        bound,
        verdict,
        place="accepted",
        location=await copied(harness, arrived),
        event_id=secrets.token_hex(8),
        expires_at=int(time.time() + 90 * DAY),
        now=time.time(),
    )


async def accepted(harness: WorkerHarness) -> Sent:
    """An upload that went all the way."""
    sent = await harness.put(PNG)
    async with harness.working(visibility=QUICKLY):
        await harness.send(harness.notification(sent))
        await harness.settled(sent)
        await harness.idle()
    return sent


async def record_of(harness: WorkerHarness, sent: Sent) -> Record:
    record = await harness.records.get(sent.upload)
    assert record is not None
    return record


async def test_objects_whose_notifications_were_lost_get_their_verdicts(harness: WorkerHarness) -> None:
    clean, infected = await harness.put(PNG), await harness.put(EICAR)
    await repaired(harness, Discrepancy.MISSED, 2)
    assert (await record_of(harness, clean)).state is State.ACCEPTED
    assert (await record_of(harness, infected)).state is State.INFECTED
    assert await harness.incoming() == []
    assert list((await harness.accepted()).values()) == [PNG]
    assert {event["subject"] for event in await harness.events(2)} == {clean.upload, infected.upload}


async def test_what_is_young_is_on_its_way(harness: WorkerHarness) -> None:
    await harness.put(PNG)
    await claimed(harness, await harness.put(PNG))
    await recorded(harness, await claimed(harness, await harness.put(PNG)))
    assert await found(harness, later=0) == {}
    # The version may be old: that its record changed lately is enough.
    assert await found(harness, later=0, grace=0) == {Discrepancy.MISSED: 1, Discrepancy.UNFINISHED: 1}
    assert await found(harness, later=0, grace=0, stuck=0) == {
        Discrepancy.MISSED: 1,
        Discrepancy.UNFINISHED: 1,
        Discrepancy.STUCK: 1,
    }


async def test_an_inspection_that_stopped_is_begun_again(harness: WorkerHarness) -> None:
    sent = await harness.put(PNG)
    await claimed(harness, sent)
    await repaired(harness, Discrepancy.STUCK)
    record = await record_of(harness, sent)
    assert (record.state, record.attempts) == (State.ACCEPTED, 2)
    assert await harness.incoming() == []


async def test_a_settlement_that_stopped_after_its_record_is_ended(harness: WorkerHarness) -> None:
    sent = await harness.put(PNG)
    before = await recorded(harness, await claimed(harness, sent))
    await repaired(harness, Discrepancy.UNFINISHED)
    assert await harness.incoming() == []
    assert (await record_of(harness, sent)).location == before.location
    assert [event["subject"] for event in await harness.events()] == [sent.upload]


async def test_versions_that_came_after_the_uploads_own_are_removed(harness: WorkerHarness) -> None:
    sent = await accepted(harness)
    for number in range(3):
        await harness.put(PNG + bytes([number]), upload=sent.upload)
    await repaired(harness, Discrepancy.OVERWRITTEN, 3)
    assert await harness.incoming() == []
    assert (await record_of(harness, sent)).overwrites == 3
    assert list((await harness.accepted()).values()) == [PNG]


async def test_the_bytes_of_a_withdrawn_upload_go_wherever_they_are(harness: WorkerHarness) -> None:
    sent = await accepted(harness)
    await harness.records.withdraw(sent.upload, "alice", time.time())
    await repaired(harness, Discrepancy.WITHDRAWN)
    late = await harness.put(PNG, upload=sent.upload)
    assert late.upload == sent.upload
    await repaired(harness, Discrepancy.WITHDRAWN)
    settings = harness.settings
    for bucket in (settings.incoming_bucket, settings.accepted_bucket, settings.quarantine_bucket):
        assert await harness.versions(bucket) == []


async def test_an_upload_whose_object_is_gone_before_its_verdict_fails_with_that_reason(harness: WorkerHarness) -> None:
    sent = await harness.put(PNG)
    await claimed(harness, sent)
    await Objects(harness.clients.s3).delete(harness.settings.incoming_bucket, sent.key, sent.version_id)
    await repaired(harness, Discrepancy.GONE)
    record = await record_of(harness, sent)
    assert record.state is State.FAILED
    assert record.verdict is not None
    assert "deleted from incoming" in record.verdict.findings[0].message


async def test_copies_of_attempts_that_ended_are_removed_and_nothing_else_is(harness: WorkerHarness) -> None:
    sent = await harness.put(EICAR)
    arrived = await harness.arrival(sent)
    leftover = await copied(harness, arrived)
    async with harness.working(visibility=QUICKLY):
        await harness.send(harness.notification(sent))
        record = await harness.settled(sent)
        await harness.idle()
    assert record.state is State.INFECTED
    # Whoever uses the accepted bucket may name things by our ids too.
    own = f"thumbnails/{sent.upload}.png"
    await harness.clients.s3.put_object(Bucket=harness.settings.accepted_bucket, Key=own, Body=b"1")
    assert await found(harness) == {Discrepancy.LEFTOVER: 1, Discrepancy.UNRECORDED: 1}
    assert len(await harness.versions(harness.settings.accepted_bucket)) == 2
    summary = await run(harness)
    assert (summary.of(Discrepancy.LEFTOVER).repaired, summary.of(Discrepancy.UNRECORDED).left) == (1, 1)
    assert leftover.version_id not in [version for _, version in await harness.versions(leftover.bucket)]
    assert record.location is None or record.location[1:] in await harness.versions(record.location.bucket)
    assert await found(harness) == {Discrepancy.UNRECORDED: 1}


async def test_a_copy_whose_attempt_may_still_record_it_stays(harness: WorkerHarness) -> None:
    await copied(harness, await claimed(harness, await harness.put(PNG)))
    assert await found(harness) == {Discrepancy.STUCK: 1}
    await repaired(harness, Discrepancy.STUCK)
    assert len(await harness.versions(harness.settings.accepted_bucket)) == 1


async def test_a_copy_of_a_revocation_that_stopped_stays_for_whoever_repeats_it(harness: WorkerHarness) -> None:
    record = await record_of(harness, await accepted(harness))
    await harness.records.begin_change(record, Step.REVOKE, time.time())
    assert record.location is not None
    bucket, key = harness.settings.quarantine_bucket, keys.quarantine(record.id, record.version_id)
    source = f"{record.location.bucket}/{record.location.key}?versionId={record.location.version_id}"
    await harness.clients.s3.copy_object(Bucket=bucket, Key=key, CopySource=source)
    summary = await run(harness)
    assert {each: count.left for each, count in summary.counts.items()} == {Discrepancy.REVISION: 1}
    assert len(await harness.versions(bucket)) == 1


async def test_a_release_or_revocation_of_an_old_upload_that_has_just_begun_is_on_its_way(
    harness: WorkerHarness,
) -> None:
    record = await record_of(harness, await accepted(harness))
    await harness.records.begin_change(record, Step.REVOKE, time.time() + HOUR)
    assert await found(harness) == {}
    assert await found(harness, later=2 * HOUR) == {Discrepancy.REVISION: 1}


async def test_accepted_objects_and_records_without_each_other_are_told_and_left(harness: WorkerHarness) -> None:
    kept, lost = await accepted(harness), await accepted(harness)
    location = (await record_of(harness, lost)).location
    assert location is not None
    await Objects(harness.clients.s3).delete(*location)
    forgotten = f"2026/{harness.mint()}.png"
    for key in (forgotten, "readme.txt"):
        await harness.clients.s3.put_object(Bucket=harness.settings.accepted_bucket, Key=key, Body=b"1")
    summary = await run(harness)
    assert {each: count.left for each, count in summary.counts.items()} == {
        Discrepancy.UNRECORDED: 2,
        Discrepancy.LOST: 1,
    }
    assert summary.repairs == 0
    assert location.version_id in summary.of(Discrepancy.LOST).examples[0]
    assert any(forgotten in example for example in summary.of(Discrepancy.UNRECORDED).examples)
    assert (await record_of(harness, kept)).state is State.ACCEPTED
    # Without a look at accepted nobody can say what is missing there.
    assert await found(harness, scans=("records",)) == {}


async def test_multipart_uploads_that_nobody_ended_are_aborted(harness: WorkerHarness) -> None:
    s3, settings = harness.clients.s3, harness.settings
    ours = f"{settings.incoming_prefix}/{harness.mint()}"
    for bucket, key in (
        (settings.incoming_bucket, ours),
        (settings.incoming_bucket, "elsewhere"),
        (settings.accepted_bucket, "a"),
        (settings.quarantine_bucket, "b"),
    ):
        await s3.create_multipart_upload(Bucket=bucket, Key=key)
    assert await found(harness) == {}
    assert await found(harness, later=DAY + 60) == {Discrepancy.MULTIPART: 3}
    assert (await run(harness, later=DAY + 60)).of(Discrepancy.MULTIPART).repaired == 3
    assert await found(harness, later=DAY + 60) == {}
    (left,) = (await s3.list_multipart_uploads(Bucket=settings.incoming_bucket))["Uploads"]
    assert left["Key"] == "elsewhere"


async def test_items_that_should_have_expired_two_days_ago_are_deleted(harness: WorkerHarness) -> None:
    sent = await accepted(harness)
    end = (await record_of(harness, sent)).expires_at
    assert end is not None
    counter = {"id": {"S": "usage#owner#alice#20200101"}, "expires_at": {"N": str(int(time.time() - 3 * DAY))}}
    await harness.clients.dynamodb.put_item(TableName=harness.settings.table, Item=counter)
    assert await found(harness, scans=("records",)) == {Discrepancy.EXPIRED: 1}
    much_later = end - time.time() + 2 * DAY
    assert await found(harness, later=much_later - 60, scans=("records",)) == {Discrepancy.EXPIRED: 1}
    assert (await run(harness, later=much_later + 60, scans=("records",))).of(Discrepancy.EXPIRED).repaired == 2
    assert await harness.records.get(sent.upload) is None
    # What was accepted stays, and is told of.
    assert await found(harness, later=much_later + 60) == {Discrepancy.UNRECORDED: 1}


async def test_what_is_not_ours_is_told_and_never_sent(harness: WorkerHarness) -> None:
    """The worker would bury it each time, and each time as one more dead letter."""
    settings = harness.settings
    other = upload_id.mint(bytes(8), int(time.time()), 900, "alice", [b"not the secret of this deployment"]).text
    await harness.put(PNG, upload=other)
    await harness.put_raw(PNG, harness.mint(), {}, "image/png")
    await harness.put(PNG, profile="of yesterday")
    for key in (f"{settings.incoming_prefix}/readme.txt", f"{settings.incoming_prefix}/{harness.mint()}/x"):
        await harness.clients.s3.put_object(Bucket=settings.incoming_bucket, Key=key, Body=b"1")
    issued = int(time.time() - LATEST_ARRIVAL_SECONDS - 901)
    await harness.put(PNG, upload=upload_id.mint(bytes(8), issued, 900, "alice", [harness.secret]).text)
    before = await harness.incoming()
    summary = await run(harness)
    assert {each: count.left for each, count in summary.counts.items()} == {Discrepancy.FOREIGN: 5, Discrepancy.LATE: 1}
    assert (summary.repairs, len(before)) == (0, 6)
    await harness.idle()
    assert await harness.incoming() == before


async def test_an_upload_that_failed_is_left_for_whoever_sends_its_dead_letter_back(harness: WorkerHarness) -> None:
    sent = await harness.put(PNG)
    await claimed(harness, sent)
    verdict = Verdict(outcome=Outcome.FAILED, bytes=0, inspected_at=datetime.now(UTC))
    await harness.records.settle(await record_of(harness, sent), verdict, place="incoming", now=time.time())
    summary = await run(harness)
    assert (summary.of(Discrepancy.FAILED).found, summary.repairs) == (1, 0)
    await worked_off(harness)
    assert (await record_of(harness, sent)).state is State.FAILED
    assert len(await harness.incoming()) == 1


async def test_a_full_queue_is_not_made_fuller(harness: WorkerHarness) -> None:
    """What waits there may be the very notifications that seem to be missing."""
    for _ in range(3):
        await harness.send("{}")
    await harness.put(PNG)
    summary = await run(harness, backlog=2)
    assert (summary.held_back, summary.of(Discrepancy.MISSED).left) == (True, 1)
    summary = await run(harness, backlog=3)
    assert (summary.held_back, summary.of(Discrepancy.MISSED).left) == (False, 0)


async def test_runs_at_the_same_time_as_each_other_and_as_a_worker_come_to_the_same_end(harness: WorkerHarness) -> None:
    sent = [await harness.put(PNG) for _ in range(12)]
    await claimed(harness, sent[0])
    await recorded(harness, await claimed(harness, sent[1]))
    async with harness.working(visibility=QUICKLY):
        await asyncio.gather(*(run(harness) for _ in range(3)))
        for each in sent:
            await harness.settled(each)
        await harness.idle()
    assert await found(harness) == {}
    assert await harness.incoming() == []
    assert len(await harness.versions(harness.settings.accepted_bucket)) == 12
    assert len({event["id"] for event in await harness.events(12)}) == 12


async def test_what_stays_away_ends_a_run_and_the_next_one_goes_on(harness: WorkerHarness) -> None:
    for _ in range(12):
        await harness.put(PNG)
    summary, pauses = Summary(), []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    queue_away = harness.settings.model_copy(update={"queue": "nowhere"})
    async with connected_as(keys_of("operator", harness.settings), harness.settings) as clients:
        with pytest.raises(Unavailable, match="sqs"):
            await reconcile(clients, queue_away, now=lambda: time.time() + HOUR, sleep=sleep, summary=summary)
    assert (summary.of(Discrepancy.MISSED).found, summary.repairs) == (10, 0)
    assert pauses == [1, 2, 4, 8]
    assert (await run(harness)).of(Discrepancy.MISSED).repaired == 12


HURRIED = """
from airlock.backoff import Backoff
from ops.cli import main
from ops.command_line import throttle
throttle.BACKOFF = Backoff(first=0.01, longest=0.01)
main()
"""


def environment(harness: WorkerHarness) -> dict[str, str]:
    """No more than an operator's pod has."""
    told = {name: value for name, value in harness.environment().items() if name != "AIRLOCK_SECRETS"}
    return {**told, **keys_of("operator", harness.settings).environment()}


async def program(harness: WorkerHarness, *options: str) -> Ran:
    return await airlock("reconcile", *options, **environment(harness))


async def hurried(harness: WorkerHarness, *options: str, **changes: str) -> Ran:
    """The command, with pauses of a hundredth of a second between its attempts."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HURRIED, "reconcile", *options),
        env={**os.environ, **environment(harness), **changes},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await child.communicate()
    return Ran(child.returncode, out.decode(), err.decode())


async def test_the_command_tells_what_it_found_and_what_it_did(harness: WorkerHarness) -> None:
    sent = await harness.put(PNG)
    code, out, err = await program(harness, "--grace", "0s", "--dry-run", "--json")
    document = json.loads(out)
    assert (code, err) == (0, "")
    assert document["kinds"]["missed"]["examples"] == [
        f"{harness.settings.incoming_bucket}/{sent.key}?versionId={sent.version_id}"
    ]
    assert {name: document["kinds"]["missed"][name] for name in ("found", "repaired", "left")} == {
        "found": 1,
        "repaired": 0,
        "left": 1,
    }
    assert (document["dry_run"], document["finished"]) == (True, True)
    code, out, err = await program(harness, "--grace", "0s")
    assert (code, err) == (0, "")
    assert "1 versions in incoming" in out
    assert "missed" in out
    assert sent.key in out
    await worked_off(harness)
    code, out, _ = await program(harness)
    assert (code, "Nothing to repair." in out) == (0, True)


async def test_the_command_says_what_is_wrong_and_fails(harness: WorkerHarness) -> None:
    code, _, err = await program(harness, "--grace", "soon")
    assert (code, "must be a number and one of s, m, h, d" in err) == (2, True)
    code, out, err = await hurried(harness, "--only", "records", AIRLOCK_TABLE="none")
    assert (code, "Scanned nothing." in out) == (1, True)
    assert err.startswith("Error: dynamodb")
