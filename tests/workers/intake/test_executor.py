import json
from collections.abc import Callable
from typing import Any, cast

import pytest

from airlock.errors import Unavailable
from airlock.events import ObjectCreated, rescan, withdrawal
from aws.dynamodb.records import Record
from aws.sqs.queue import Message
from workers.intake.disposition import Bury, Disposition, Done, Retry
from workers.intake.executor import BACKOFF, Executor
from workers.journey import Journey
from workers.rescan import Rescan


class Scripted:
    """A journey on which each object does as its key says; `given_up` are the reasons that were recorded."""

    def __init__(self, broken: Exception | None = None) -> None:
        self.given_up: list[tuple[str, str]] = []
        self._broken = broken

    async def arrive(self, event: ObjectCreated) -> tuple[Disposition, Record | None]:
        return self._as_said(event.key), None

    async def withdraw(self, upload: str) -> Disposition:
        return self._as_said(upload)

    async def rescan(self, upload: str) -> Disposition:
        return self._as_said(upload)

    async def give_up(self, event: ObjectCreated, reason: str) -> None:
        if self._broken:
            raise self._broken
        self.given_up.append((event.key, reason))

    def _as_said(self, name: str) -> Disposition:
        if name == "away":
            raise Unavailable("clamd", "is away")
        if name == "bug":
            raise KeyError("oops")
        return Bury(name) if name.startswith("bad") else Done()


def _body(*keys: str) -> str:
    objects = [{"key": key, "size": 1, "eTag": "e", "versionId": "v"} for key in keys]
    records = [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": each}} for each in objects]
    return json.dumps({"Records": records})


def _message(body: str, receives: int = 1) -> Message:
    return Message("id", "receipt", body, receives)


def _executor(journey: Scripted, uniform: Callable[[float, float], float] = lambda _, high: high) -> Executor:
    scripted = cast(Any, journey)
    return Executor(cast(Journey, scripted), cast(Rescan, scripted), 3, uniform=uniform)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["good"], Done()),
        (["bad", "good", "bad two"], Bury("bad; bad two")),
        (["bad", "away", "good"], Retry(2.0)),
        (["bug"], Retry(2.0)),
    ],
)
async def test_every_record_is_worked_and_the_gravest_decides(keys: list[str], expected: Disposition) -> None:
    assert await _executor(Scripted()).execute(_message(_body(*keys))) == expected


@pytest.mark.parametrize("body", ["", "nonsense", "[]", "{}", '{"Records": []}', '{"Records": [{}]}', "\x00"])
async def test_what_is_no_notification_is_buried_with_its_reason(body: str) -> None:
    disposition = await _executor(Scripted()).execute(_message(body))
    assert isinstance(disposition, Bury)
    assert disposition.reason


async def test_s3s_test_event_is_nothing_to_do() -> None:
    body = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"})
    assert await _executor(Scripted()).execute(_message(body)) == Done()


@pytest.mark.parametrize(("upload", "expected"), [("x", Done()), ("bad", Bury("bad")), ("away", Retry(2.0))])
async def test_a_rescan(upload: str, expected: Disposition) -> None:
    assert await _executor(Scripted()).execute(_message(rescan(upload))) == expected


async def test_a_rescan_that_is_given_up_leaves_the_upload_what_it_is() -> None:
    journey = Scripted()
    disposition = await _executor(journey).execute(_message(rescan("away"), receives=3))
    assert disposition == Bury("after 3 attempts: clamd: is away")
    assert journey.given_up == []


@pytest.mark.parametrize(
    ("upload", "expected"),
    [("good", Done()), ("bad", Bury("bad")), ("away", Retry(2.0)), ("bug", Retry(2.0))],
)
async def test_a_withdrawal(upload: str, expected: Disposition) -> None:
    assert await _executor(Scripted()).execute(_message(withdrawal(upload))) == expected


async def test_an_unexpected_error_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    await _executor(Scripted()).execute(_message(_body("bug")))
    assert "KeyError: 'oops'" in caplog.text


@pytest.mark.parametrize(("key", "reason"), [("away", "after 3 attempts: clamd: is away"), ("bug", "after 3 attempts")])
async def test_the_last_attempt_records_the_failure_and_buries_the_message(key: str, reason: str) -> None:
    journey = Scripted()
    disposition = await _executor(journey).execute(_message(_body(key), receives=3))
    assert isinstance(disposition, Bury)
    assert disposition.reason.startswith(reason)
    assert journey.given_up == [(key, disposition.reason)]


async def test_an_object_that_takes_each_worker_down_is_not_tried_for_ever() -> None:
    journey = Scripted()
    disposition = await _executor(journey).execute(_message(_body("good"), receives=4))
    assert disposition == Bury("the worker ended in each of 3 attempts")
    assert journey.given_up == [("good", "the worker ended in each of 3 attempts")]


async def test_a_failure_that_cannot_be_recorded_is_tried_again_but_not_for_ever() -> None:
    journey = Scripted(Unavailable("dynamodb", "away"))
    assert await _executor(journey).execute(_message(_body("away"), receives=3)) == Retry(72.0)
    disposition = await _executor(journey).execute(_message(_body("away"), receives=7))
    assert isinstance(disposition, Bury)


async def test_a_bug_while_a_failure_is_recorded_does_not_hold_the_message() -> None:
    disposition = await _executor(Scripted(ValueError("worse"))).execute(_message(_body("away"), receives=3))
    assert disposition == Bury("after 3 attempts: clamd: is away")


async def test_giving_up_a_withdrawal_needs_no_record() -> None:
    disposition = await _executor(Scripted()).execute(_message(withdrawal("away"), receives=3))
    assert disposition == Bury("after 3 attempts: clamd: is away")


def test_pauses_grow_and_have_an_end() -> None:
    high, low = _executor(Scripted()), _executor(Scripted(), lambda lower, _: lower)
    assert [high.pause(attempt) for attempt in range(1, 6)] == [2, 12, 72, 432, BACKOFF.longest]
    assert low.pause(1) == 1
    assert high.pause(10**6) == BACKOFF.longest
