"""`airlock dead-letters`: letters are grouped, looked at, sent back and dropped, and none is lost by it."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from airlock.errors import Unavailable
from airlock.events import withdrawal
from airlock.lifecycle import State
from airlock.verdict import Outcome
from aws.settings import AwsSettings
from ops.cli import main
from ops.dead_letters.cause import NO_REASON, cause
from ops.dead_letters.display import age
from ops.dead_letters.reader import DeadLetterReader
from tests.deployment import keys_of
from tests.ops.terminal import Ran, airlock
from tests.workers.harness import PNG, WorkerHarness, harness_in
from workers.deliveries.delivery import Delivery
from workers.inspection.checks.port import BaseCheck, BaseScan, Scan, Subject

UPLOAD = "0123456789" * 6


@pytest.fixture
async def harness(deployment: AwsSettings, tmp_path: Path) -> AsyncIterator[WorkerHarness]:
    async with harness_in(deployment, tmp_path) as here:
        yield here


async def run(harness: WorkerHarness, *arguments: str) -> Ran:
    """The command, as a user who has an operator's permissions and no secret of the service."""
    return await airlock("dead-letters", *arguments, **environment(harness))


def environment(harness: WorkerHarness) -> dict[str, str]:
    told = {name: value for name, value in harness.environment().items() if name != "AIRLOCK_SECRETS"}
    return {**told, **keys_of("operator", harness.settings).environment()}


async def bury(harness: WorkerHarness, body: str, reason: str | None, queue: str | None = None) -> None:
    url = await harness._url(queue or harness.settings.dead_letter_queue)
    said: dict[str, Any] = {"airlock-reason": {"DataType": "String", "StringValue": reason}} if reason else {}
    await harness.clients.sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=said)


async def bodies(harness: WorkerHarness, queue: str) -> list[str]:
    """What can be received from a queue at this moment; it is gone then."""
    url, found = await harness._url(queue), []
    # Else a receive waits as long as the queue says, which is 20 s for the workers'.
    at_once: Any = {"QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0}
    while messages := (await harness.clients.sqs.receive_message(**at_once)).get("Messages"):
        for message in messages:
            await harness.clients.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found.append(message["Body"])
    # S3 greets whom it is to notify.
    return [body for body in found if "s3:TestEvent" not in body]


async def dead(harness: WorkerHarness) -> list[str]:
    return sorted(await bodies(harness, harness.settings.dead_letter_queue))


# --- causes ---


@pytest.mark.parametrize(
    ("reasons", "group"),
    [
        (
            ("after 5 attempts: clamd: it is unavailable", "after 12 attempts: clamd: it is unavailable"),
            "after N attempts: clamd: it is unavailable",
        ),
        (
            ("the key 'a/b' is not incoming/ and an upload id", 'the key "it\'s" is not incoming/ and an upload id'),
            "the key '…' is not incoming/ and an upload id",
        ),
        ((f"upload {UPLOAD} is gone", f"upload {UPLOAD[::-1]} is gone"), "upload … is gone"),
        (("s3: GetObject: SlowDown",), "s3: GetObject: SlowDown"),
        (
            ("webhook erp: after 9 attempts: the receiver answered 503",),
            "webhook erp: after N attempts: the receiver answered 503",
        ),
        (("an object's key and its policy's end",), "an object's key and its policy's end"),
        ((None, ""), NO_REASON),
    ],
)
def test_reasons_that_differ_in_names_ids_and_numbers_have_one_cause(reasons: tuple[str], group: str) -> None:
    assert {cause(reason) for reason in reasons} == {group}


@given(st.text())
def test_a_cause_is_a_cause_of_its_own(reason: str) -> None:
    assert cause(cause(reason)) == cause(reason)


@pytest.mark.parametrize(
    ("seconds", "told"), [(-3, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (3 * 86400, "3 d")]
)
def test_ages_are_told_in_the_largest_unit_of_which_there_are_two(seconds: float, told: str) -> None:
    assert age(seconds) == told


# --- what needs no queue ---


@pytest.mark.parametrize(
    "arguments", [["drop"], ["drop", "--yes"], ["drop", "--all", "--cause", "x"], ["drop", "--limit", "3"]]
)
def test_to_drop_takes_a_selection_or_all(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"REGION": "eu-central-1", "INCOMING_BUCKET": "in-c", "ACCEPTED_BUCKET": "acc", "QUARANTINE_BUCKET": "qua"}
    for name, value in places.items():
        monkeypatch.setenv(f"AIRLOCK_{name}", value)
    ran = CliRunner().invoke(main, ["dead-letters", *arguments])
    assert ran.exit_code == 2
    assert "select the messages with" in ran.output


# --- on a queue ---


async def test_an_upload_that_failed_is_told_shown_sent_back_and_gets_its_verdict(harness: WorkerHarness) -> None:
    async with harness.working({**harness.checks(), "yara": Away()}, max_attempts=1):
        sent = await harness.put(PNG)
        await harness.recorded(sent.upload, lambda record: record.state is State.FAILED)
        await harness.idle()

    listed = json.loads((await run(harness, "list", "--json")).out)
    [group] = listed["groups"]
    assert (listed["letters"], group["count"]) == (1, 1)
    assert group["cause"] == "after N attempts: yara: it is unavailable"

    shown = await run(harness, "show")
    assert shown.code == 0
    state = f"{sent.upload}: failed (gave_up)"
    for part in (group["example"]["id"], "after 1 attempts: yara: it is unavailable", state):
        assert part in shown.out
    [letter] = (await run(harness, "show", "--json", "--cause", "YARA")).documents
    assert letter["uploads"] == [{"id": sent.upload, "state": "failed"}]
    assert letter["attempts"] == 1
    assert letter["body"] in shown.out

    redriven = await run(harness, "redrive", "--id", letter["id"])
    assert redriven.code == 0, redriven.err
    assert f"1 message sent back to {harness.settings.queue}" in redriven.out
    async with harness.working():
        record = await harness.recorded(sent.upload, lambda record: record.state is not State.FAILED)
        record = await harness.settled(sent)
        await harness.idle()
    assert record.state is State.ACCEPTED
    assert record.verdict
    assert record.verdict.outcome is Outcome.ACCEPTED
    assert await dead(harness) == []


class Away(BaseCheck, BaseScan):
    """An engine that is ready, and away as soon as it is asked."""

    name = "yara"

    def begin(self, subject: Subject) -> Scan:
        raise Unavailable("yara", "it is unavailable")


async def test_letters_are_grouped_and_all_there_again_afterwards(harness: WorkerHarness) -> None:
    for number in range(23):
        await bury(harness, f"body {number}", f"after {number} attempts: s3: it is unavailable")
    await bury(harness, "moved", None)
    first, second = await run(harness, "list"), await run(harness, "list")
    assert first.code == 0
    lines = first.out.splitlines()
    assert lines[0] == f"24 messages in {harness.settings.dead_letter_queue}."
    assert lines[1] == "23  after N attempts: s3: it is unavailable"
    assert lines[3] == f" 1  {NO_REASON}"
    assert second.out.splitlines()[:2] == lines[:2]
    assert len(await dead(harness)) == 24


async def test_there_can_be_none(harness: WorkerHarness) -> None:
    listed = await run(harness, "list")
    assert (listed.code, listed.out) == (0, f"0 messages in {harness.settings.dead_letter_queue}.\n")
    for ran in await asyncio.gather(
        run(harness, "show"), run(harness, "redrive"), run(harness, "drop", "--all", "--yes")
    ):
        assert (ran.code, ran.out) == (3, "")
        assert ran.err == f"There are no messages in {harness.settings.dead_letter_queue}.\n"


async def test_only_what_matches_is_sent_back_or_dropped(harness: WorkerHarness) -> None:
    for body, reason in (("a", "clamd: away"), ("b", "clamd: away"), ("c", "no notification"), ("d", None)):
        await bury(harness, body, reason)
    assert (await run(harness, "redrive", "--cause", "nothing like it")).code == 3
    assert (await run(harness, "redrive", "--older-than", "1h")).code == 3
    dry = await run(harness, "redrive", "--cause", "clamd", "--dry-run")
    assert (dry.code, dry.out.splitlines()[0]) == (
        0,
        f"2 messages would be sent back to {harness.settings.queue}, of 4 read.",
    )
    assert await bodies(harness, harness.settings.queue) == []
    assert (await run(harness, "redrive", "--cause", "clamd", "--limit", "1", "--rate", "50/s")).code == 0
    assert len(await bodies(harness, harness.settings.queue)) == 1
    asked = await run(harness, "drop", "--cause", "without a reason")
    assert (asked.code, asked.out.splitlines()[0]) == (0, "1 message would be dropped, of 3 read.")
    assert asked.err == "Nothing was dropped: add --yes to drop these messages.\n"
    assert (await run(harness, "drop", "--cause", "without a reason", "--yes")).out.startswith("1 message dropped")
    left = await dead(harness)
    assert len(left) == 2
    assert "c" in left


async def test_all_can_be_dropped(harness: WorkerHarness) -> None:
    for body in "abc":
        await bury(harness, body, "no notification")
    assert (await run(harness, "drop", "--all", "--yes")).code == 0
    assert await dead(harness) == []


async def test_what_a_letter_holds_steers_no_terminal_and_passes_for_no_line_of_ours(harness: WorkerHarness) -> None:
    await bury(harness, "\x9b2J\x7f\nreason   forged " + "x" * 5000, "\x9b31mred\x9b0m")
    await bury(harness, withdrawal(UPLOAD), "a withdrawal\tof\x85nothing")
    shown = await run(harness, "show")
    assert not {"\x9b", "\x7f", "\x85"} & set(shown.out)
    assert "\nreason   forged" not in shown.out
    assert "more characters; --json prints them all" in shown.out
    assert f"{UPLOAD}: no record" in shown.out
    assert not {"\x9b", "\x85"} & set((await run(harness, "list")).out)


async def test_a_delivery_that_is_sent_back_gets_its_day_again(harness: WorkerHarness) -> None:
    undelivered = harness.settings.undelivered_queue
    event = json.dumps({"subject": UPLOAD})
    old = Delivery(webhook="erp", event_id="e1", event=event, published_at=1_700_000_000.0)
    await bury(harness, old.to_text(), "webhook erp: after 9 attempts: the receiver answered 503: no", undelivered)
    await bury(harness, "no delivery", "the message is not a delivery to a webhook", undelivered)
    [one] = (await run(harness, "show", "--webhooks", "--json", "--cause", "erp")).documents
    assert one["uploads"] == [{"id": UPLOAD, "state": None}]
    began = time.time()
    ran = await run(harness, "redrive", "--webhooks")
    assert ran.code == 1
    assert "1 message left in " in ran.err
    [body] = await bodies(harness, harness.settings.delivery_queue)
    again = Delivery.parse(body)
    assert again.published_at >= began
    assert again == old.model_copy(update={"published_at": again.published_at})
    assert await bodies(harness, undelivered) == ["no delivery"]


async def test_an_interrupted_run_gives_everything_back(harness: WorkerHarness) -> None:
    for number in range(15):
        await bury(harness, f"{number:02}", "away")
    assert await bodies(harness, harness.settings.queue) == []
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ops", *("dead-letters", "redrive", "--rate", "1"),
        env={**os.environ, **environment(harness)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    url = await harness._url(harness.settings.queue)
    async with asyncio.timeout(30):
        while (await counted(harness, url)) < 10:  # noqa: ASYNC110 # SQS tells nobody
            await asyncio.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert process.returncode == 1, err
    assert out.decode().startswith("10 messages sent back")
    sent, left = await bodies(harness, harness.settings.queue), await dead(harness)
    assert sorted(sent + left) == [f"{number:02}" for number in range(15)]


async def counted(harness: WorkerHarness, url: str) -> int:
    answer = await harness.clients.sqs.get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


class Ended(Exception):
    """Whoever was at it ended here."""


async def test_what_ends_between_sending_and_deleting_leaves_a_message_twice(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ended(*_: Any) -> None:
        raise Ended

    await bury(harness, "a", "away")
    name = harness.settings.dead_letter_queue
    monkeypatch.setattr(DeadLetterReader, "drop", ended)
    async with DeadLetterReader.open(harness.clients.sqs, name) as reader:
        to = await reader.url_of(harness.settings.queue)
        [letter] = await anext(reader.messages())
        with pytest.raises(Ended):
            await reader.move(letter, to, letter.body)
    assert await bodies(harness, harness.settings.queue) == ["a"]
    assert await dead(harness) == ["a"]


async def test_a_letter_that_comes_twice_is_seen_once(harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.dead_letters.reader.HIDDEN_SECONDS", 0)
    monkeypatch.setattr("ops.dead_letters.reader.STALE_RECEIVES", 5)
    for body in "abc":
        await bury(harness, body, "away")
    async with DeadLetterReader.open(harness.clients.sqs, harness.settings.dead_letter_queue) as reader:
        seen = [letter.body async for messages in reader.messages() for letter in messages]
    assert sorted(seen) == ["a", "b", "c"]
