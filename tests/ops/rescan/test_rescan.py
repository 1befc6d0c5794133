"""`airlock rescan`: asks for another inspection of exactly those accepted objects that are wanted."""

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
from aws.maintenance.accepted import Accepted
from aws.maintenance.outbox import Outbox
from aws.settings import AwsSettings
from ops.command_line.patience import Patience
from ops.rescan.rescanning import Report, Rescanning, Wanted
from tests.ops.terminal import Ran, airlock
from tests.stack import keys_of
from tests.workers.site import PNG, Site, opened

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
        (Wanted(), {"first", "second", "again", "other"}),
        (Wanted(since=DAY + timedelta(days=2)), {"second", "again", "other"}),
        (Wanted(until=DAY + timedelta(days=2)), {"first"}),
        (Wanted(signatures_before=DAY + timedelta(days=4)), {"first", "second"}),
        (Wanted(profile="strict"), {"other"}),
        (Wanted(owner="alice", since=DAY + timedelta(days=5)), {"again"}),
    ],
)
def test_what_counts_is_the_last_inspection(wanted: Wanted, taken: set[str]) -> None:
    records = [
        record("first"),
        record("second", 2),
        record("again", 0, rescanned=9),
        record("other", 9, profile="strict", owner="bob"),
        record("none", verdict=None),
    ]
    assert {each.id for each in records if wanted.takes(each)} == taken


@pytest.fixture
async def site(places: AwsSettings, tmp_path: Path) -> AsyncIterator[Site]:
    rules = tmp_path / "rules"
    rules.mkdir()
    async with opened(places, tmp_path, yara_rules=rules, visibility=2) as here:
        yield here


async def run(site: Site, *arguments: str) -> Ran:
    """As the operator's user."""
    keys = keys_of("operator", site.settings).environment()
    return await airlock("rescan", *arguments, **{**site.environment(), **keys})


async def waiting(site: Site) -> set[str]:
    """The uploads of which the messages in the queue ask for another inspection."""
    asked = (json.loads(body) for body in await messages(site))
    # S3 greets whom it is to notify.
    return {each["airlock"]["rescan"] for each in asked if "airlock" in each}


async def messages(site: Site) -> list[str]:
    """The bodies of the messages in the queue, which are taken."""
    url = (await site.clients.sqs.get_queue_url(QueueName=site.settings.queue))["QueueUrl"]
    bodies: list[str] = []
    while True:
        # Without that, the last one waits for as long as the queue says: 20 s.
        answer = await site.clients.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
        if not answer.get("Messages"):
            return bodies
        for message in answer["Messages"]:
            bodies.append(message["Body"])
            await site.clients.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


async def store(site: Site, *records: Record) -> None:
    for each in records:
        await site.clients.dynamodb.put_item(TableName=site.settings.table, Item=dict(to_item(each)))


async def test_only_accepted_objects_are_asked_for_page_by_page(site: Site) -> None:
    await store(site, *(record(f"accepted {number:03}") for number in range(25)))
    await store(
        site,
        record("revoked", state=State.INFECTED, place="quarantine"),
        record("withdrawn", state=State.WITHDRAWN),
        record("old", verdict=verdict(-30)),
    )
    await site.clients.dynamodb.put_item(TableName=site.settings.table, Item={"id": {"S": "backlog#old"}})
    ran = await run(site, "--json", "--since", "2026-10-20", "--dry-run")
    assert ran.documents == [{"finished": True, "dry_run": True, "looked": 26, "asked": 25, "bytes": 250}]
    assert await waiting(site) == set()

    ran = await run(site, "--since", "2026-10-20", "--rate", "1000/s")
    assert (ran.code, ran.out) == (0, "25 of 26 accepted objects (250 bytes) are to be inspected again.\n"), ran
    assert await waiting(site) == {f"accepted {number:03}" for number in range(25)}


async def test_it_waits_while_too_many_messages_do(site: Site) -> None:
    await store(site, *(record(f"{number}") for number in range(3)))
    await messages(site)
    await site.send("{}")
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await messages(site)

    accepted = Accepted(site.clients.dynamodb, site.settings.table)
    outbox = Outbox(site.clients.sqs, site.settings.queue)
    patience = Patience(1000, time.monotonic, asyncio.sleep)
    report = Report()
    await Rescanning(accepted, outbox, Wanted(), patience, sleep, backlog=0, report=report).run()
    assert waits == [5.0]
    assert (report.finished, report.asked) == (True, 3)


async def test_what_is_wrong_is_a_usage_error(site: Site) -> None:
    assert "is no date" in (await run(site, "--since", "yesterday")).err
    ran = await run(site, "--profile", "none")
    assert (ran.code, "there is no profile 'none'" in ran.err) == (2, True)


async def test_a_rule_that_came_later_revokes_exactly_what_it_matches(site: Site) -> None:
    async with site.working():
        sent = [await site.put(body) for body in (PNG, BAD, PNG + b"2", BAD + b"2")]
        for each in sent:
            assert (await site.settled(each)).state is State.ACCEPTED
        await site.idle()
    await site.events(4)
    assert site.settings.yara_rules
    (site.settings.yara_rules / "late.yar").write_text('rule late { strings: $a = "new malware" condition: $a }')

    until = datetime.now(UTC).isoformat()
    async with site.working():
        assert (await run(site, "--until", until)).code == 0
        await site.idle()
    states = {each.upload: (await site.settled(each)).state for each in sent}
    assert list(states.values()) == [State.ACCEPTED, State.INFECTED, State.ACCEPTED, State.INFECTED]
    assert sorted((await site.accepted()).values()) == [PNG, PNG + b"2"]
    told = await site.events(2)
    assert {event["subject"] for event in told} == {sent[1].upload, sent[3].upload}
    assert len({event["id"] for event in told}) == 2
    # What was inspected meanwhile is not inspected once more by the same command.
    assert (await run(site, "--until", until, "--json")).documents[0]["asked"] == 0
