"""What the tests of reconcile do to a deployment: run the command's code, and leave uploads half done."""

import secrets
import time
from datetime import UTC, datetime
from typing import Any

from airlock import keys
from airlock.verdict import Outcome, Verdict
from aws.dynamodb.records import Location, Record
from aws.s3.objects import Objects
from ops.reconcile.discrepancy import Discrepancy
from ops.reconcile.options import Options
from ops.reconcile.run import reconcile
from ops.reconcile.summary import Summary
from tests.deployment import connected_as, keys_of
from tests.workers.deployment_reader import Sent
from tests.workers.harness import PNG, WorkerHarness
from workers.intake.arrival import Arrival
from workers.settlement import provenance

HOUR = 3600.0

DAY = 24 * HOUR

VISIBILITY = 3
"""Seconds until a message that a stopping worker had received is visible again."""


async def run(harness: WorkerHarness, later: float = HOUR, **options: Any) -> Summary:
    """One run as the operator's user, `later` seconds from now."""
    async with connected_as(keys_of("operator", harness.settings), harness.settings) as clients:
        return await reconcile(clients, harness.settings, Options(**options), now=lambda: time.time() + later)


async def found(harness: WorkerHarness, later: float = HOUR, **options: Any) -> dict[Discrepancy, int]:
    """What a dry run finds: how many of each discrepancy."""
    summary = await run(harness, later, dry_run=True, **options)
    assert summary.repairs == 0
    return {each: count.found for each, count in summary.counts.items()}


async def run_worker(harness: WorkerHarness) -> None:
    """Run a worker until it has processed all messages."""
    async with harness.working(visibility=VISIBILITY):
        await harness.idle()


async def repaired(harness: WorkerHarness, discrepancy: Discrepancy, count: int = 1, **options: Any) -> None:
    """Check that only this is found, and that after a run and a worker nothing is found any more."""
    assert await found(harness, **options) == {discrepancy: count}
    await harness.idle()
    summary = await run(harness, **options)
    assert (summary.of(discrepancy).found, summary.of(discrepancy).repaired, summary.of(discrepancy).left) == (
        count,
        count,
        0,
    )
    await run_worker(harness)
    assert await found(harness, **options) == {}


async def claimed(harness: WorkerHarness, sent: Sent) -> Arrival:
    """Claimed, as by a worker that ended just after."""
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
    said = provenance.description(arrived.record(time.time()), sha256=None)
    made = await Objects(harness.clients.s3).promote(
        arrived.source, bucket, key, content_type="image/png", metadata=said
    )
    return Location(bucket, key, made.version_id)


async def recorded(harness: WorkerHarness, arrived: Arrival) -> Record:
    """Accepted and recorded, as by a worker that ended before it published the verdict."""
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
    """An upload that was accepted, completely."""
    sent = await harness.put(PNG)
    async with harness.working(visibility=VISIBILITY):
        await harness.send(harness.notification(sent))
        await harness.settled(sent)
        await harness.idle()
    return sent


async def record_of(harness: WorkerHarness, sent: Sent) -> Record:
    record = await harness.records.get(sent.upload)
    assert record is not None
    return record
