"""ops.reconcile.multipart: old multipart uploads are aborted."""

from ops.reconcile.discrepancy import Discrepancy
from tests.ops.reconcile.steps import DAY, found, run
from tests.workers.harness import WorkerHarness


async def test_multipart_uploads_that_were_never_completed_are_aborted(harness: WorkerHarness) -> None:
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
