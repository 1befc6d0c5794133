"""What a process depends on is asked at once, shared by all who want to know, and logged when it changes."""

import asyncio

import pytest

from airlock.errors import Outage, Unavailable
from aws import dependencies as module
from aws.dependencies import Dependencies


class Resource:
    """Answers, or raises `problem`, once `let` is set; counts how often it is asked."""

    def __init__(self) -> None:
        self.problem: Exception | None = None
        self.let = asyncio.Event()
        self.let.set()
        self.times = 0

    async def __call__(self) -> None:
        self.times += 1
        await self.let.wait()
        if self.problem:
            raise self.problem


async def test_what_does_not_answer_is_named_with_its_cause_and_a_change_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    table, bucket = Resource(), Resource()
    needed = Dependencies({"table": table, "bucket": bucket})
    await needed.ask()
    table.problem = Outage("dynamodb", "the table uploads: no answer")
    for _ in range(2):
        with pytest.raises(Unavailable, match="dynamodb: the table uploads: no answer"):
            await needed.ask()
    table.problem = None
    await needed.ask()
    assert [record.message for record in caplog.records] == [
        "unavailable: dynamodb: the table uploads: no answer",
        "available again: table",
    ]


async def test_many_who_ask_share_one_request_and_what_is_well_is_asked_again_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = Resource()
    needed = Dependencies({"table": table})
    await asyncio.gather(*(needed.problems(1) for _ in range(20)))
    assert await needed.problems(1) == []
    assert table.times == 1
    monkeypatch.setattr(module, "REUSE_SECONDS", 0)
    await needed.problems(1)
    assert table.times == 2


async def test_who_asks_does_not_wait_for_what_is_slow() -> None:
    table = Resource()
    table.let.clear()
    needed = Dependencies({"table": table})
    assert await needed.problems(0.01) == []
    before = needed.asked
    table.problem = Outage("dynamodb", "refuses")
    table.let.set()
    assert [str(each) for each in await needed.problems(1)] == ["dynamodb: refuses"]
    assert (before, needed.asked) == (False, True)
    await needed.close()
