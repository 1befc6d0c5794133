"""`airlock rescan`: requests another inspection of exactly the selected accepted objects."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airlock.lifecycle import State
from airlock.verdict import Engine, Outcome, Verdict
from aws.dynamodb.record import to_item
from aws.dynamodb.records import Location, Record
from aws.maintenance.bulk_sender import BulkSender
from aws.maintenance.table_scan import TableScan
from aws.settings import AwsSettings
from ops.command_line.throttle import Throttle
from ops.rescan.record_filter import RecordFilter
from ops.rescan.run import RescanRun
from ops.rescan.summary import Summary
from tests.deployment import keys_of
from tests.ops.terminal import Ran, airlock, airlock_on_terminal, airlock_without_pauses
from tests.workers.harness import PNG, WorkerHarness, harness_in

DAY = datetime(2026, 11, 1, tzinfo=UTC)
BAD = PNG + b"new malware"


def record(name: str, days: int = 0, *, rescanned: int | None = None, **changes: Any) -> Record:
    """An accepted upload that was inspected so many days after the first of November, with signatures of that day."""
    described: dict[str, Any] = {
        "owner": "alice",
        "state": State.ACCEPTED,
        "created_at": 0,
        "updated_at": 0,
        "profile": "default",
        "size": 10,
        "version_id": "v",
        "verdict": verdict(days),
        "rescanned": None if rescanned is None else verdict(rescanned),
        "place": "accepted",
        "location": Location("accepted", name, "v"),
        **changes,
    }
    return Record(id=name, **described)


def verdict(days: int) -> Verdict:
    moment = DAY + timedelta(days=days)
    engines = (Engine(name="clamav", version="1", signatures_at=moment), Engine(name="yara-x", version="2"))
    return Verdict(outcome=Outcome.ACCEPTED, engines=engines, bytes=10, inspected_at=moment)


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (RecordFilter(), {"first", "second", "again", "other"}),
        (RecordFilter(since=DAY + timedelta(days=2)), {"second", "again", "other"}),
        (RecordFilter(until=DAY + timedelta(days=2)), {"first"}),
        (RecordFilter(signatures_before=DAY + timedelta(days=4)), {"first", "second"}),
        (RecordFilter(profile="strict"), {"other"}),
        (RecordFilter(owner="alice", since=DAY + timedelta(days=5)), {"again"}),
    ],
)
def test_objects_are_selected_by_their_last_inspection(wanted: RecordFilter, taken: set[str]) -> None:
    records = [
        record("first"),
        record("second", 2),
        record("again", 0, rescanned=9),
        record("other", 9, profile="strict", owner="bob"),
        record("none", verdict=None),
    ]
    assert {each.id for each in records if wanted.selects(each)} == taken


@pytest.fixture
async def harness(deployment: AwsSettings, tmp_path: Path) -> AsyncIterator[WorkerHarness]:
    rules = tmp_path / "rules"
    rules.mkdir()
    async with harness_in(deployment, tmp_path, yara_rules=rules, visibility=2) as here:
        yield here


async def run(harness: WorkerHarness, *arguments: str) -> Ran:
    """Run the command as the operator's user."""
    keys = keys_of("operator", harness.settings).environment()
    return await airlock("rescan", *arguments, **{**harness.environment(), **keys})


async def waiting(harness: WorkerHarness) -> set[str]:
    """The uploads for which messages in the queue request another inspection. The queue is empty afterwards."""
    asked = (json.loads(body) for body in await messages(harness))
    # S3 sends a test event to a queue that it will notify.
    return {each["airlock"]["rescan"] for each in asked if "airlock" in each}


async def messages(harness: WorkerHarness) -> list[str]:
    """Receive and delete all messages of the queue; returns their bodies."""
    url = (await harness.clients.sqs.get_queue_url(QueueName=harness.settings.queue))["QueueUrl"]
    bodies: list[str] = []
    while True:
        # Without that, the last one waits for as long as the queue says: 20 s.
        answer = await harness.clients.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
        if not answer.get("Messages"):
            return bodies
        for message in answer["Messages"]:
            bodies.append(message["Body"])
            await harness.clients.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


async def store(harness: WorkerHarness, *records: Record) -> None:
    for each in records:
        await harness.clients.dynamodb.put_item(TableName=harness.settings.table, Item=dict(to_item(each)))


async def test_an_inspection_is_requested_for_accepted_objects_only(harness: WorkerHarness) -> None:
    await store(harness, *(record(f"accepted {number:03}") for number in range(25)))
    await store(
        harness,
        record("revoked", state=State.INFECTED, place="quarantine"),
        record("withdrawn", state=State.WITHDRAWN),
        record("old", verdict=verdict(-30)),
    )
    await harness.clients.dynamodb.put_item(TableName=harness.settings.table, Item={"id": {"S": "backlog#old"}})
    ran = await run(harness, "--json", "--since", "2026-10-20", "--dry-run")
    assert ran.documents == [{"finished": True, "dry_run": True, "looked": 26, "asked": 25, "bytes": 250}]
    assert await waiting(harness) == set()

    ran = await run(harness, "--since", "2026-10-20", "--rate", "1000/s")
    assert (ran.code, ran.out) == (0, "25 of 26 accepted objects (250 bytes) will be inspected again.\n"), ran
    assert await waiting(harness) == {f"accepted {number:03}" for number in range(25)}


async def test_it_waits_while_too_many_messages_are_in_the_queue(harness: WorkerHarness) -> None:
    await store(harness, *(record(f"{number}") for number in range(3)))
    await messages(harness)
    await harness.send("{}")
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await messages(harness)

    table = TableScan(harness.clients.dynamodb, harness.settings.table)
    sender = BulkSender(harness.clients.sqs, harness.settings.queue)
    throttle = Throttle(1000, time.monotonic, asyncio.sleep)
    summary = Summary()
    await RescanRun(table, sender, RecordFilter(), throttle, sleep, backlog=0, summary=summary).run()
    assert waits == [5.0]
    assert (summary.finished, summary.requested) == (True, 3)


async def test_a_wrong_date_or_profile_is_a_usage_error(harness: WorkerHarness) -> None:
    assert "must be a date such as" in (await run(harness, "--since", "yesterday")).err
    ran = await run(harness, "--profile", "none")
    assert (ran.code, "unknown profile 'none'" in ran.err) == (2, True)


async def test_a_newer_rule_revokes_exactly_what_it_matches(harness: WorkerHarness) -> None:
    async with harness.working():
        sent = [await harness.put(body) for body in (PNG, BAD, PNG + b"2", BAD + b"2")]
        for each in sent:
            assert (await harness.settled(each)).state is State.ACCEPTED
        await harness.idle()
    await harness.events(4)
    assert harness.settings.yara_rules
    (harness.settings.yara_rules / "late.yar").write_text('rule late { strings: $a = "new malware" condition: $a }')

    until = datetime.now(UTC).isoformat()
    async with harness.working():
        assert (await run(harness, "--until", until)).code == 0
        await harness.idle()
    states = {each.upload: (await harness.settled(each)).state for each in sent}
    assert list(states.values()) == [State.ACCEPTED, State.INFECTED, State.ACCEPTED, State.INFECTED]
    assert sorted((await harness.accepted()).values()) == [PNG, PNG + b"2"]
    published = await harness.events(2)
    assert {event["subject"] for event in published} == {sent[1].upload, sent[3].upload}
    assert len({event["id"] for event in published}) == 2
    # The same command does not request objects that were inspected since.
    assert (await run(harness, "--until", until, "--json")).documents[0]["asked"] == 0


async def test_on_a_terminal_the_progress_is_shown(harness: WorkerHarness) -> None:
    await store(harness, record("accepted"))
    keys = keys_of("operator", harness.settings).environment()
    code, printed = await airlock_on_terminal("rescan", "--dry-run", **{**harness.environment(), **keys})
    assert code == 0
    assert "of 0 accepted" in printed
    assert "1 of 1 accepted objects (10 bytes) would be inspected again." in printed


async def test_an_outage_is_exit_1_and_the_summary_says_that_the_run_ended_early(harness: WorkerHarness) -> None:
    keys = keys_of("operator", harness.settings).environment()
    missing = harness.environment(AIRLOCK_TABLE="missing")
    ran = await airlock_without_pauses("rescan", **{**missing, **keys})
    assert ran.code == 1
    assert "The run ended before all objects were read: run the command again." in ran.out
