"""Copies of attempts that ended early are removed, and only versioned buckets are copied to."""

import contextlib
import time
from pathlib import Path
from typing import Any

import pytest

from airlock import keys
from airlock.lifecycle import State
from aws.s3.objects import Objects
from aws.settings import AwsSettings
from aws.sqs.answers import Message
from aws.sqs.queue import Queue
from ops.reconcile.discrepancy import Discrepancy
from tests.ops.reconcile.steps import run
from tests.workers.checks import FailingCheck
from tests.workers.deployment_reader import Sent
from tests.workers.harness import EICAR, PNG, WorkerHarness, accepted_at, harness_in
from tests.workers.settlement.replaying_client import HARMLESS
from workers.assembly import assemble
from workers.inspection.inspector import Inspector
from workers.intake.arrival import Arrival
from workers.intake.disposition import Wait


async def copied_by_a_worker_that_ended(harness: WorkerHarness, sent: Sent, found: str = "image/png") -> Arrival:
    """Claim an object and copy it to accepted, as a worker that accepted it and ended before it recorded that."""
    arrival = await harness.arrival(sent)
    await harness.records.claim(arrival.record(time.time()))
    key = keys.accepted(
        arrival.profile.accepted_key,
        upload=sent.upload,
        profile=arrival.profile.name,
        owner=arrival.intent.owner,
        issued_at=arrival.upload.issued_at,
        media_type=found,
    )
    await Objects(harness.clients.s3).promote(arrival.source, harness.settings.accepted_bucket, key, content_type=found)
    return arrival


@pytest.mark.parametrize("profile", ["default", "strict"])
async def test_the_copy_of_an_attempt_that_ended_is_removed_when_the_next_one_finds_a_virus(
    harness: WorkerHarness, profile: str
) -> None:
    """New signatures can come between two attempts."""
    sent = await harness.put(EICAR, profile=profile)
    await copied_by_a_worker_that_ended(harness, sent)
    async with harness.working():
        record = await harness.settled(sent)
        await harness.idle()
    assert (record.state, record.attempts) == (State.INFECTED, 2)
    assert await harness.versions(harness.settings.accepted_bucket) == []


@pytest.mark.parametrize("declared", ["image/png", "image/jpeg", "application/octet-stream"])
async def test_the_copy_of_an_attempt_that_ended_is_removed_by_reconcile_when_the_upload_fails(
    harness: WorkerHarness, declared: str
) -> None:
    """Also where it was kept under another type than the declared one. No worker has found that it is to go."""
    sent = await harness.put(PNG, content_type=declared)
    await copied_by_a_worker_that_ended(harness, sent)
    checks = dict(harness.checks())
    failing = FailingCheck(checks["yara"])
    async with harness.working({**checks, "yara": failing}, max_attempts=1, visibility=2):
        assert (await harness.settled(sent)).state is State.FAILED
        (letter,) = await harness.dead_letters()
        assert len(await harness.versions(harness.settings.accepted_bucket)) == 1
        assert (await run(harness)).of(Discrepancy.LEFTOVER).repaired == 1
        assert await harness.versions(harness.settings.accepted_bucket) == []
        failing.unavailable = False
        await harness.send(letter)
        record = await harness.recorded(sent.upload, lambda record: record.state is State.ACCEPTED)
        await harness.idle()
    held = [accepted_at(record)[1:]]
    assert await harness.versions(harness.settings.accepted_bucket) == held


@pytest.mark.parametrize("body", [HARMLESS, EICAR])
async def test_nothing_is_copied_to_a_bucket_without_versioning(
    new_deployment: AwsSettings, tmp_path: Path, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """A record names one version; without versioning another object could take its place."""
    async with harness_in(new_deployment, tmp_path) as harness:
        for bucket in (new_deployment.accepted_bucket, new_deployment.quarantine_bucket):
            suspended: Any = {"Status": "Suspended"}
            await harness.clients.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=suspended)
        sent = await harness.put(body)
        inspector = Inspector(harness.checks(), time.time)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(inspector.close)
            queue = await stack.enter_async_context(Queue.open(harness.settings, harness.clients))
            parts = assemble(harness.settings, harness.profiles, harness.clients, queue, time.time)
            message = Message("id", "receipt", harness.notification(sent), 1)
            assert isinstance(await parts.executor(inspector, 1).execute(message), Wait)
        assert "versioning is off" in caplog.text
        for bucket in (new_deployment.accepted_bucket, new_deployment.quarantine_bucket):
            assert await harness.versions(bucket) == []
        assert await harness.incoming() == [(sent.key, sent.version_id)]
