"""What was interrupted, lost or not possible is done again, by this worker, another one or an operator."""

import asyncio
import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from airlock.lifecycle import State
from airlock.verdict import Outcome, Verdict
from aws.dynamodb.records import Record
from tests.workers.checks import FailingCheck, HeldCheck
from tests.workers.deployment_reader import Sent
from tests.workers.harness import PNG, WorkerHarness, accepted_at
from tests.workers.inspection.clamd import daemon


async def test_a_worker_that_lost_its_claim_settles_nothing_and_the_next_attempt_does(harness: WorkerHarness) -> None:
    held = HeldCheck(harness.checks()["content"])
    sent = await harness.put(PNG)
    async with harness.working({**harness.checks(), "content": held}):
        await held.reached.wait()
        bound = await harness.records.get(sent.upload)
        assert bound is not None
        await harness.records.give_back(bound, 1_800_000_000.0)
        held.open.set()
        record = await harness.settled(sent)
        await harness.idle()
    assert (record.state, record.attempts) == (State.ACCEPTED, 2)
    assert await harness.versions(harness.settings.accepted_bucket) == [accepted_at(record)[1:]]


async def test_a_version_that_was_settled_but_not_deleted_is_settled_again_with_the_same_event(
    harness: WorkerHarness,
) -> None:
    held = HeldCheck(harness.checks()["content"])
    sent = await harness.put(PNG)
    async with harness.working({**harness.checks(), "content": held}):
        await held.reached.wait()
        verdict = Verdict(outcome=Outcome.REJECTED, bytes=1, inspected_at=datetime(2026, 1, 2, tzinfo=UTC))
        bound = await harness.records.get(sent.upload)
        assert bound is not None
        await harness.records.settle(bound, verdict, place="none", now=1_800_000_000.0)
        await harness.send(harness.notification(sent))
        first = await harness.events()
        held.open.set()
        await harness.idle()
        second = await harness.events()
    assert {json.dumps(event) for event in [*first, *second]} == {json.dumps(first[0])}
    assert first[0]["type"] == "airlock.upload.rejected"
    assert await harness.versions(harness.settings.accepted_bucket) == []
    assert await harness.incoming() == []


async def test_an_object_deleted_by_others_is_done_and_a_claimed_one_has_failed(
    harness: WorkerHarness,
) -> None:
    never, claimed = await harness.put(PNG), await harness.put(PNG)
    held = HeldCheck(harness.checks()["content"])
    async with harness.working({**harness.checks(), "content": held}, concurrency=1, drain_seconds=0):
        await held.reached.wait()
        await harness.clients.s3.delete_objects(
            Bucket=harness.settings.incoming_bucket,
            Delete={"Objects": [{"Key": each.key, "VersionId": each.version_id} for each in (never, claimed)]},
        )
    async with harness.working():
        await harness.idle()
    states = {record.state if record else None for record in (await _records(harness, never, claimed))}
    assert states == {None, State.FAILED}


async def _records(harness: WorkerHarness, *sent: Sent) -> list[Record | None]:
    return [await harness.records.get(each.upload) for each in sent]


class LogWatch(logging.Handler):
    """Sets `event` when a message that contains `text` is logged."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.event = asyncio.Event()
        self._text = text

    def emit(self, record: logging.LogRecord) -> None:
        if self._text in record.getMessage():
            self.event.set()


async def test_while_clamd_is_unavailable_no_message_is_received_and_later_all_are_accepted(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = daemon.free_port()
    watch = LogWatch("unavailable: clamd: cannot be reached")
    monkeypatch.setattr(logging.getLogger("aws.dependencies"), "handlers", [watch])
    sent = await harness.put(PNG, profile="scanned")
    async with harness.working(clamd=f"tcp://127.0.0.1:{port}"):
        await asyncio.wait_for(watch.event.wait(), 20)
        assert await harness.records.get(sent.upload) is None
        async with daemon.running(port):
            record = await harness.settled(sent)
            await harness.idle()
    assert (record.state, record.attempts) == (State.ACCEPTED, 1)
    assert record.verdict is not None
    assert [engine.name for engine in record.verdict.engines] == ["clamav"]


async def test_a_wrong_name_of_a_bucket_a_table_or_a_queue_is_told_at_the_start(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("incoming_bucket", "accepted_bucket", "quarantine_bucket", "table", "queue", "dead_letter_queue")
    wrong: dict[str, Any] = {name: f"wrong-{number}" for number, name in enumerate(names)}
    watches = [LogWatch(f" {value} (AIRLOCK_{name.upper()}): ") for name, value in wrong.items()]
    monkeypatch.setattr(logging.getLogger("aws.dependencies"), "handlers", watches)
    async with harness.working(**wrong):
        async with asyncio.timeout(20):
            for watch in watches:
                await watch.event.wait()


async def test_after_the_last_attempt_an_upload_has_failed_and_an_operator_can_redrive_it(
    harness: WorkerHarness,
) -> None:
    sent = await harness.put(PNG, profile="scanned")
    failing = {**harness.checks(), "clamd": FailingCheck(harness.checks()["size"], "clamd")}
    # A poll that is cancelled when a worker stops can hide a message for its visibility timeout.
    async with harness.working(failing, max_attempts=1, visibility=2):
        record = await harness.settled(sent)
        letters = await harness.dead_letters()
    assert (record.state, record.place) == (State.FAILED, "incoming")
    assert record.verdict is not None
    assert record.verdict.outcome is Outcome.FAILED
    assert "clamd: cannot be reached" in record.verdict.findings[0].message
    assert [key for key, _ in await harness.incoming()] == [sent.key]
    (body, reason) = next(iter(letters.items()))
    assert "clamd" in reason

    await harness.send(body)
    port = daemon.free_port()
    async with daemon.running(port), harness.working(clamd=f"tcp://127.0.0.1:{port}"):
        again = await harness.recorded(sent.upload, lambda record: record.state is State.ACCEPTED)
        await harness.idle()
    assert await harness.accepted() == {accepted_at(again).key: PNG}
    ids = {event["type"]: event["id"] for event in await harness.events(2)}
    assert set(ids) == {"airlock.upload.failed", "airlock.upload.accepted"}
    assert len(set(ids.values())) == 2
