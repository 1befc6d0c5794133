"""ops.reconcile.recorded: records whose object is gone are found, and expired items deleted."""

import time

from airlock.lifecycle import State
from aws.s3.objects import Objects
from ops.reconcile.discrepancy import Discrepancy
from tests.ops.reconcile.steps import DAY, accepted, claimed, found, record_of, repaired, run
from tests.workers.harness import PNG, WorkerHarness


async def test_an_upload_whose_object_is_gone_before_its_verdict_fails_with_that_reason(harness: WorkerHarness) -> None:
    sent = await harness.put(PNG)
    await claimed(harness, sent)
    await Objects(harness.clients.s3).delete(harness.settings.incoming_bucket, sent.key, sent.version_id)
    await repaired(harness, Discrepancy.GONE)
    record = await record_of(harness, sent)
    assert record.state is State.FAILED
    assert record.verdict is not None
    assert "deleted from incoming" in record.verdict.findings[0].message


async def test_accepted_objects_without_record_and_records_without_object_are_reported_and_left(
    harness: WorkerHarness,
) -> None:
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
    # Without a scan of accepted nothing is known to be missing there.
    assert await found(harness, scans=("records",)) == {}


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
    # The accepted object stays, and is reported.
    assert await found(harness, later=much_later + 60) == {Discrepancy.UNRECORDED: 1}
