"""ops.dead_letters.reader: a message is read once, and none is lost."""

from typing import Any

import pytest

from ops.dead_letters.reader import DeadLetterReader
from tests.ops.dead_letters.queues import bodies, bodies_of_dead_letters, put_dead_letter
from tests.workers.harness import WorkerHarness


class CrashError(Exception):
    """The process ended here."""


async def test_a_crash_between_sending_and_deleting_leaves_a_message_twice(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: Any) -> None:
        raise CrashError

    await put_dead_letter(harness, "a", "unavailable")
    name = harness.settings.dead_letter_queue
    monkeypatch.setattr(DeadLetterReader, "drop", crash)
    async with DeadLetterReader.open(harness.clients.sqs, name) as reader:
        to = await reader.url_of(harness.settings.queue)
        [message] = await anext(reader.messages())
        with pytest.raises(CrashError):
            await reader.move(message, to, message.body)
    assert await bodies(harness, harness.settings.queue) == ["a"]
    assert await bodies_of_dead_letters(harness) == ["a"]


async def test_a_message_that_is_received_twice_is_read_once(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.dead_letters.reader.HIDDEN_SECONDS", 0)
    monkeypatch.setattr("ops.dead_letters.reader.STALE_RECEIVES", 5)
    for body in "abc":
        await put_dead_letter(harness, body, "unavailable")
    async with DeadLetterReader.open(harness.clients.sqs, harness.settings.dead_letter_queue) as reader:
        read = [message.body async for messages in reader.messages() for message in messages]
    assert sorted(read) == ["a", "b", "c"]


async def test_a_run_reads_a_limited_number_of_messages(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.dead_letters.reader.MAX_MESSAGES", 10)
    for number in range(25):
        await put_dead_letter(harness, str(number), "unavailable")
    async with DeadLetterReader.open(harness.clients.sqs, harness.settings.dead_letter_queue) as reader:
        read = [message async for messages in reader.messages() for message in messages]
        assert reader.full
    assert 10 <= len(read) < 20
    assert len(await bodies_of_dead_letters(harness)) == 25
