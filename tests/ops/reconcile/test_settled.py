"""ops.reconcile.settled: copies that no record names are removed or reported, and withdrawals sent again."""

import time

from airlock import keys
from airlock.lifecycle import State, Step
from ops.reconcile.discrepancy import Discrepancy
from tests.ops.reconcile.steps import HOUR, VISIBILITY, accepted, claimed, copied, found, record_of, repaired, run
from tests.workers.harness import EICAR, PNG, WorkerHarness


async def test_the_bytes_of_a_withdrawn_upload_are_removed_from_every_bucket(harness: WorkerHarness) -> None:
    sent = await accepted(harness)
    await harness.records.withdraw(sent.upload, time.time())
    await repaired(harness, Discrepancy.WITHDRAWN)
    late = await harness.put(PNG, upload=sent.upload)
    assert late.upload == sent.upload
    await repaired(harness, Discrepancy.WITHDRAWN)
    settings = harness.settings
    for bucket in (settings.incoming_bucket, settings.accepted_bucket, settings.quarantine_bucket):
        assert await harness.versions(bucket) == []


async def test_only_copies_that_a_worker_left_behind_are_removed(harness: WorkerHarness) -> None:
    sent = await harness.put(EICAR)
    arrived = await harness.arrival(sent)
    leftover = await copied(harness, arrived)
    async with harness.working(visibility=VISIBILITY):
        await harness.send(harness.notification(sent))
        record = await harness.settled(sent)
        await harness.idle()
    assert record.state is State.INFECTED
    # Other users of the accepted bucket may use our ids in their keys.
    own = f"thumbnails/{sent.upload}.png"
    await harness.clients.s3.put_object(Bucket=harness.settings.accepted_bucket, Key=own, Body=b"1")
    assert await found(harness) == {Discrepancy.LEFTOVER: 1, Discrepancy.UNRECORDED: 1}
    assert len(await harness.versions(harness.settings.accepted_bucket)) == 2
    summary = await run(harness)
    assert (summary.of(Discrepancy.LEFTOVER).repaired, summary.of(Discrepancy.UNRECORDED).left) == (1, 1)
    assert leftover.version_id not in [version for _, version in await harness.versions(leftover.bucket)]
    assert record.location is None or record.location[1:] in await harness.versions(record.location.bucket)
    assert await found(harness) == {Discrepancy.UNRECORDED: 1}


async def test_a_copy_that_an_attempt_may_still_record_stays(harness: WorkerHarness) -> None:
    await copied(harness, await claimed(harness, await harness.put(PNG)))
    assert await found(harness) == {Discrepancy.STUCK: 1}
    await repaired(harness, Discrepancy.STUCK)
    assert len(await harness.versions(harness.settings.accepted_bucket)) == 1


async def test_the_copy_of_a_revocation_that_stopped_stays(harness: WorkerHarness) -> None:
    record = await record_of(harness, await accepted(harness))
    await harness.records.begin_change(record, Step.REVOKE, time.time())
    assert record.location is not None
    bucket, key = harness.settings.quarantine_bucket, keys.quarantine(record.id, record.version_id)
    source = f"{record.location.bucket}/{record.location.key}?versionId={record.location.version_id}"
    await harness.clients.s3.copy_object(Bucket=bucket, Key=key, CopySource=source)
    summary = await run(harness)
    assert {each: count.left for each, count in summary.counts.items()} == {Discrepancy.REVISION: 1}
    assert len(await harness.versions(bucket)) == 1


async def test_a_change_of_verdict_that_has_just_begun_is_skipped(
    harness: WorkerHarness,
) -> None:
    record = await record_of(harness, await accepted(harness))
    await harness.records.begin_change(record, Step.REVOKE, time.time() + HOUR)
    assert await found(harness) == {}
    assert await found(harness, later=2 * HOUR) == {Discrepancy.REVISION: 1}
