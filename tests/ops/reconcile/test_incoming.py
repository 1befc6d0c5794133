"""ops.reconcile.incoming: versions that no worker is inspecting are found, and their notifications sent again."""

import time
from datetime import UTC, datetime

from airlock import upload_id
from airlock.lifecycle import LATEST_ARRIVAL_SECONDS, State
from airlock.verdict import Outcome, Verdict
from ops.reconcile.discrepancy import Discrepancy
from tests.ops.reconcile.steps import accepted, claimed, found, record_of, recorded, repaired, run, run_worker
from tests.workers.harness import EICAR, PNG, WorkerHarness


async def test_objects_whose_notifications_were_lost_get_their_verdicts(harness: WorkerHarness) -> None:
    clean, infected = await harness.put(PNG), await harness.put(EICAR)
    await repaired(harness, Discrepancy.MISSED, 2)
    assert (await record_of(harness, clean)).state is State.ACCEPTED
    assert (await record_of(harness, infected)).state is State.INFECTED
    assert await harness.incoming() == []
    assert list((await harness.accepted()).values()) == [PNG]
    assert {event["subject"] for event in await harness.events(2)} == {clean.upload, infected.upload}


async def test_uploads_in_progress_are_skipped(harness: WorkerHarness) -> None:
    await harness.put(PNG)
    await claimed(harness, await harness.put(PNG))
    await recorded(harness, await claimed(harness, await harness.put(PNG)))
    assert await found(harness, later=0) == {}
    # A version may be old: it is enough that its record has changed lately.
    assert await found(harness, later=0, grace=0) == {Discrepancy.MISSED: 1, Discrepancy.UNFINISHED: 1}
    assert await found(harness, later=0, grace=0, stuck=0) == {
        Discrepancy.MISSED: 1,
        Discrepancy.UNFINISHED: 1,
        Discrepancy.STUCK: 1,
    }


async def test_an_inspection_that_stopped_is_started_again(harness: WorkerHarness) -> None:
    sent = await harness.put(PNG)
    await claimed(harness, sent)
    await repaired(harness, Discrepancy.STUCK)
    record = await record_of(harness, sent)
    assert (record.state, record.attempts) == (State.ACCEPTED, 2)
    assert await harness.incoming() == []


async def test_a_settlement_that_stopped_after_its_record_is_completed(harness: WorkerHarness) -> None:
    sent = await harness.put(PNG)
    before = await recorded(harness, await claimed(harness, sent))
    await repaired(harness, Discrepancy.UNFINISHED)
    assert await harness.incoming() == []
    assert (await record_of(harness, sent)).location == before.location
    assert [event["subject"] for event in await harness.events()] == [sent.upload]


async def test_later_versions_of_an_upload_are_removed(harness: WorkerHarness) -> None:
    sent = await accepted(harness)
    for number in range(3):
        await harness.put(PNG + bytes([number]), upload=sent.upload)
    await repaired(harness, Discrepancy.OVERWRITTEN, 3)
    assert await harness.incoming() == []
    assert (await record_of(harness, sent)).overwrites == 3
    assert list((await harness.accepted()).values()) == [PNG]


async def test_foreign_and_late_objects_are_reported_and_left(harness: WorkerHarness) -> None:
    """The worker would bury the notification of such an object, once more in every run."""
    settings = harness.settings
    other = upload_id.mint(bytes(8), int(time.time()), 900, "alice", [b"not the secret of this deployment"]).text
    await harness.put(PNG, upload=other)
    await harness.put_raw(PNG, harness.mint(), {}, "image/png")
    await harness.put(PNG, profile="removed")
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


async def test_a_failed_upload_is_left_for_its_dead_letter(harness: WorkerHarness) -> None:
    sent = await harness.put(PNG)
    await claimed(harness, sent)
    verdict = Verdict(outcome=Outcome.FAILED, bytes=0, inspected_at=datetime.now(UTC))
    await harness.records.settle(await record_of(harness, sent), verdict, place="incoming", now=time.time())
    summary = await run(harness)
    assert (summary.of(Discrepancy.FAILED).found, summary.repairs) == (1, 0)
    await run_worker(harness)
    assert (await record_of(harness, sent)).state is State.FAILED
    assert len(await harness.incoming()) == 1
