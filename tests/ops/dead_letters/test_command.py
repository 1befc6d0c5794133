"""`airlock dead-letters`: messages are grouped, shown, redriven and dropped, and none is lost."""

import asyncio
import json
import os
import signal
import sys
import time

import pytest
from click.testing import CliRunner

from airlock.errors import Unavailable
from airlock.events import withdrawal
from airlock.lifecycle import State
from airlock.verdict import Outcome
from ops.cli import main
from ops.dead_letters.cause import NO_REASON
from ops.dead_letters.reader import DeadLetterReader
from tests.ops.dead_letters.queues import bodies, bodies_of_dead_letters, environment, put_dead_letter, run
from tests.ops.terminal import airlock, airlock_on_terminal
from tests.workers.harness import PNG, WorkerHarness
from workers.deliveries.delivery import Delivery
from workers.inspection.checks.port import BaseCheck, BaseScan, Scan, Subject

UPLOAD = "0123456789" * 6


@pytest.mark.parametrize(
    "arguments", [["drop"], ["drop", "--yes"], ["drop", "--all", "--cause", "x"], ["drop", "--limit", "3"]]
)
def test_drop_needs_a_selection_or_all(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRLOCK_REGION", "eu-central-1")
    for bucket in ("incoming", "accepted", "quarantine"):
        monkeypatch.setenv(f"AIRLOCK_{bucket.upper()}_BUCKET", bucket)
    ran = CliRunner().invoke(main, ["dead-letters", *arguments])
    assert ran.exit_code == 2
    assert "select the messages with" in ran.output


class UnavailableEngine(BaseCheck, BaseScan):
    """An engine that is ready, and unavailable for every inspection."""

    name = "yara"

    def begin(self, subject: Subject) -> Scan:
        raise Unavailable("yara", "it is unavailable")


async def test_a_failed_upload_is_listed_shown_redriven_and_gets_its_verdict(harness: WorkerHarness) -> None:
    async with harness.working({**harness.checks(), "yara": UnavailableEngine()}, max_attempts=1):
        sent = await harness.put(PNG)
        await harness.recorded(sent.upload, lambda record: record.state is State.FAILED)
        await harness.idle()

    listed = json.loads((await run(harness, "list", "--json")).out)
    [group] = listed["groups"]
    assert (listed["letters"], group["count"]) == (1, 1)
    assert group["cause"] == "after N attempts: yara: it is unavailable"

    shown = await run(harness, "show")
    assert shown.code == 0
    assert group["example"]["id"] in shown.out
    assert "after 1 attempts: yara: it is unavailable" in shown.out
    assert f"{sent.upload}: failed (gave_up)" in shown.out
    [message] = (await run(harness, "show", "--json", "--cause", "YARA")).documents
    assert message["uploads"] == [{"id": sent.upload, "state": "failed"}]
    assert message["attempts"] == 1
    assert message["body"] in shown.out

    redriven = await run(harness, "redrive", "--id", message["id"])
    assert redriven.code == 0, redriven.err
    assert f"1 message sent back to {harness.settings.queue}" in redriven.out
    async with harness.working():
        record = await harness.recorded(sent.upload, lambda record: record.state is not State.FAILED)
        record = await harness.settled(sent)
        await harness.idle()
    assert record.state is State.ACCEPTED
    assert record.verdict
    assert record.verdict.outcome is Outcome.ACCEPTED
    assert await bodies_of_dead_letters(harness) == []


async def test_messages_are_grouped_and_all_visible_afterwards(harness: WorkerHarness) -> None:
    for number in range(23):
        await put_dead_letter(harness, f"body {number}", f"after {number} attempts: s3: it is unavailable")
    await put_dead_letter(harness, "moved", None)
    first, second = await run(harness, "list"), await run(harness, "list")
    assert first.code == 0
    lines = first.out.splitlines()
    assert lines[0] == f"24 messages in {harness.settings.dead_letter_queue}."
    assert lines[1] == "23  after N attempts: s3: it is unavailable"
    assert lines[3] == f" 1  {NO_REASON}"
    assert second.out.splitlines()[:2] == lines[:2]
    assert len(await bodies_of_dead_letters(harness)) == 24


async def test_an_empty_queue_is_exit_3(harness: WorkerHarness) -> None:
    listed = await run(harness, "list")
    assert (listed.code, listed.out) == (0, f"0 messages in {harness.settings.dead_letter_queue}.\n")
    for ran in await asyncio.gather(
        run(harness, "show"), run(harness, "redrive"), run(harness, "drop", "--all", "--yes")
    ):
        assert (ran.code, ran.out) == (3, "")
        assert ran.err == f"There are no messages in {harness.settings.dead_letter_queue}.\n"


async def test_only_messages_that_match_are_redriven_or_dropped(harness: WorkerHarness) -> None:
    reasons = {"a": "clamd: unavailable", "b": "clamd: unavailable", "c": "no notification", "d": None}
    for body, reason in reasons.items():
        await put_dead_letter(harness, body, reason)
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
    left = await bodies_of_dead_letters(harness)
    assert len(left) == 2
    assert "c" in left


async def test_show_says_that_there_may_be_more(harness: WorkerHarness) -> None:
    for body in "abc":
        await put_dead_letter(harness, body, "no notification")
    shown = await run(harness, "show", "--limit", "2", "--json")
    assert (shown.code, len(shown.documents)) == (0, 2)
    assert shown.err == "Only the first 2 messages were read; --limit sets how many.\n"


async def test_an_unknown_id_is_exit_3(harness: WorkerHarness) -> None:
    await put_dead_letter(harness, "a", "no notification")
    ran = await run(harness, "redrive", "--id", "another")
    assert (ran.code, ran.err) == (3, f"No message matches in {harness.settings.dead_letter_queue}.\n")


async def test_messages_that_another_run_reads_are_reported_as_hidden(harness: WorkerHarness) -> None:
    await put_dead_letter(harness, "a", "no notification")
    name = harness.settings.dead_letter_queue
    async with DeadLetterReader.open(harness.clients.sqs, name) as reader:
        await anext(reader.messages())
        listed = await run(harness, "list")
    assert listed.code == 0
    assert listed.out.startswith(f"0 messages in {name}.\nAbout 1 message hidden: another run reads them now")


async def test_on_a_terminal_the_progress_is_shown(harness: WorkerHarness) -> None:
    await put_dead_letter(harness, "a", "no notification")
    code, printed = await airlock_on_terminal("dead-letters", "list", **environment(harness))
    assert code == 0
    assert "1/1" in printed


async def test_an_outage_is_exit_1_and_leaves_all_messages(harness: WorkerHarness) -> None:
    await put_dead_letter(harness, "a", "no notification")
    ran = await airlock("dead-letters", "redrive", **{**environment(harness), "AIRLOCK_QUEUE": "missing"})
    assert ran.code == 1
    assert ran.err.startswith("Error: sqs")
    assert await bodies_of_dead_letters(harness) == ["a"]


async def test_all_can_be_dropped(harness: WorkerHarness) -> None:
    for body in "abc":
        await put_dead_letter(harness, body, "no notification")
    assert (await run(harness, "drop", "--all", "--yes")).code == 0
    assert await bodies_of_dead_letters(harness) == []


async def test_a_message_cannot_control_the_terminal_or_forge_a_line(harness: WorkerHarness) -> None:
    await put_dead_letter(harness, "\x9b2J\x7f\nreason   forged " + "x" * 5000, "\x9b31mred\x9b0m")
    await put_dead_letter(harness, withdrawal(UPLOAD), "a withdrawal\tof\x85nothing")
    shown = await run(harness, "show")
    assert not {"\x9b", "\x7f", "\x85"} & set(shown.out)
    assert "\nreason   forged" not in shown.out
    assert "more characters; --json prints them all" in shown.out
    assert f"{UPLOAD}: no record" in shown.out
    assert not {"\x9b", "\x85"} & set((await run(harness, "list")).out)


async def test_a_redriven_delivery_is_tried_for_another_day(harness: WorkerHarness) -> None:
    undelivered = harness.settings.undelivered_queue
    event = json.dumps({"subject": UPLOAD})
    old = Delivery(webhook="erp", event_id="e1", event=event, published_at=1_700_000_000.0)
    await put_dead_letter(
        harness, old.to_text(), "webhook erp: after 9 attempts: the receiver answered 503: no", undelivered
    )
    await put_dead_letter(harness, "no delivery", "the message is not a delivery to a webhook", undelivered)
    [shown] = (await run(harness, "show", "--webhooks", "--json", "--cause", "erp")).documents
    assert shown["uploads"] == [{"id": UPLOAD, "state": None}]
    began = time.time()
    ran = await run(harness, "redrive", "--webhooks")
    assert ran.code == 1
    assert "1 message left in " in ran.err
    [body] = await bodies(harness, harness.settings.delivery_queue)
    again = Delivery.parse(body)
    assert again.published_at >= began
    assert again == old.model_copy(update={"published_at": again.published_at})
    assert await bodies(harness, undelivered) == ["no delivery"]


async def test_after_ctrl_c_all_messages_are_visible(harness: WorkerHarness) -> None:
    for number in range(15):
        await put_dead_letter(harness, f"{number:02}", "unavailable")
    assert await bodies(harness, harness.settings.queue) == []
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ops", *("dead-letters", "redrive", "--rate", "1"),
        env={**os.environ, **environment(harness)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # A run of the tests in the background ignores the signal, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    url = await harness._url(harness.settings.queue)
    async with asyncio.timeout(30):
        while (await count_visible(harness, url)) < 10:  # noqa: ASYNC110 # SQS sends no event
            await asyncio.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert process.returncode == 1, err
    assert out.decode().startswith("10 messages sent back")
    sent, left = await bodies(harness, harness.settings.queue), await bodies_of_dead_letters(harness)
    assert sorted(sent + left) == [f"{number:02}" for number in range(15)]


async def count_visible(harness: WorkerHarness, url: str) -> int:
    answer = await harness.clients.sqs.get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])
