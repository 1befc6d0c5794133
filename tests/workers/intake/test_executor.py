"""The executor over scripted parts: what comes of a message, whatever is in it and whatever fails."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, cast

import pytest

from airlock import upload_id
from airlock.callables import Uniform
from airlock.errors import DoesNotFit, Outage, Unavailable, VersionGone
from airlock.events import ObjectCreated, rescan, withdrawal
from aws.sqs.answers import Message
from workers.intake import waiting
from workers.intake.admission import NotOurs, Skewed
from workers.intake.disposition import Bury, Disposition, Done, Retry, Wait
from workers.intake.executor import BACKOFF, Executor

NOW = 1_790_000_000.0


class Scripted:
    """All parts in one. What happens with an object, or an upload, depends on its key or id.

    `calls` are those of the journey, with the key. An object that was admitted is represented by its event.
    """

    def __init__(self, broken: Exception | None = None, earlier: Mapping[str, Sequence[str]] | None = None) -> None:
        self.calls: list[tuple[str, ...]] = []
        self._broken = broken
        self._earlier = earlier or {}

    def upload_of(self, event: ObjectCreated) -> str:
        if event.key.startswith("foreign bucket"):
            raise NotOurs(event.key)
        return event.key

    @contextlib.asynccontextmanager
    async def admit(self, event: ObjectCreated) -> AsyncIterator[ObjectCreated]:
        if self.upload_of(event).startswith("foreign"):
            raise NotOurs(event.key)
        if event.key.startswith("skew"):
            raise Skewed(event.key)
        if event.key == "gone":
            raise VersionGone("gone")
        yield event

    async def earlier(self, arrival: ObjectCreated) -> list[ObjectCreated]:
        return [ObjectCreated("b", key, "v", "e", 1, "") for key in self._earlier.get(arrival.key, ())]

    async def arrive(self, arrival: ObjectCreated) -> Disposition:
        self.calls.append(("arrive", arrival.key))
        return self._disposition(arrival.key)

    async def gone(self, upload: str, event: ObjectCreated) -> Disposition:
        self.calls.append(("gone", upload))
        return Done()

    async def withdraw(self, upload: str) -> Disposition:
        return self._disposition(_name(upload))

    async def rescan(self, upload: str) -> Disposition:
        return self._disposition(_name(upload))

    async def give_up(self, upload: str, version_id: str, reason: str) -> None:
        if self._broken:
            raise self._broken
        self.calls.append(("give_up", upload, reason))

    def _disposition(self, name: str) -> Disposition:
        match name:
            case "unavailable":
                raise Unavailable("clamd", "cannot be reached")
            case "outage":
                raise Outage("s3", "cannot be reached")
            case "too large":
                raise DoesNotFit("spool", "there is no room")
            case "bug":
                raise KeyError("oops")
            case "deleted during the inspection":
                raise VersionGone("gone")
            case "late":
                raise NotOurs("late")
            case _:
                return Bury(name) if name.startswith("bad") else Done()


def _id(name: str) -> str:
    """An upload id in which the name stands."""
    return name.encode().hex().ljust(upload_id.LENGTH, "0")


def _name(upload: str) -> str:
    return bytes.fromhex(upload).rstrip(b"\0").decode()


def _body(*keys: str) -> str:
    objects = [{"key": key, "size": 1, "eTag": "e", "versionId": "v"} for key in keys]
    records = [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": each}} for each in objects]
    return json.dumps({"Records": records})


def _message(body: str, receives: int = 1, attributes: Mapping[str, str] | None = None) -> Message:
    return Message("id", "receipt", body, receives, attributes or {})


def _executor(parts: Scripted, uniform: Uniform = lambda _, high: high) -> Executor:
    any_part = cast(Any, parts)
    return Executor(any_part, any_part, any_part, any_part, 3, lambda: NOW, uniform=uniform)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["good"], Done()),
        (["foreign", "good", "late"], Bury("foreign; late")),
        (["foreign", "unavailable", "good"], Retry(2.0)),
        (["bug"], Retry(2.0)),
    ],
)
async def test_every_record_is_worked_on_and_the_gravest_decides(keys: list[str], expected: Disposition) -> None:
    assert await _executor(Scripted()).execute(_message(_body(*keys))) == expected


@pytest.mark.parametrize("body", ["", "nonsense", "[]", "{}", '{"Records": []}', '{"Records": [{}]}', "\x00"])
async def test_a_message_that_is_not_a_notification_is_buried_with_its_reason(body: str) -> None:
    disposition = await _executor(Scripted()).execute(_message(body))
    assert isinstance(disposition, Bury)
    assert disposition.reason


async def test_the_test_event_of_s3_is_done() -> None:
    body = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"})
    assert await _executor(Scripted()).execute(_message(body)) == Done()


@pytest.mark.parametrize("key", ["gone", "deleted during the inspection"])
async def test_an_object_that_is_gone_is_finished_from_its_record(key: str) -> None:
    parts = Scripted()
    assert await _executor(parts).execute(_message(_body(key))) == Done()
    assert parts.calls[-1] == ("gone", key)


async def test_the_version_that_was_stored_first_has_its_turn_first_and_no_other() -> None:
    parts = Scripted(earlier={"third": ["first", "second"]})
    assert await _executor(parts).execute(_message(_body("third"))) == Done()
    assert parts.calls == [("arrive", "first"), ("arrive", "third")]


async def test_an_earlier_version_that_is_not_ours_is_passed_over() -> None:
    parts = Scripted(earlier={"third": ["foreign", "gone", "second"]})
    assert await _executor(parts).execute(_message(_body("third"))) == Done()
    assert parts.calls == [("gone", "gone"), ("arrive", "third")]


async def test_where_an_earlier_version_cannot_be_worked_on_now_the_later_one_waits() -> None:
    parts = Scripted(earlier={"second": ["unavailable"]})
    assert await _executor(parts).execute(_message(_body("second"))) == Retry(2.0)
    assert parts.calls == [("arrive", "unavailable")]


@pytest.mark.parametrize(
    ("upload", "expected"),
    [("x", Done()), ("bad", Bury("bad")), ("late", Bury("late")), ("unavailable", Retry(2.0))],
)
async def test_a_rescan(upload: str, expected: Disposition) -> None:
    assert await _executor(Scripted()).execute(_message(rescan(_id(upload)))) == expected


async def test_a_rescan_that_is_given_up_leaves_the_upload_as_it_is() -> None:
    parts = Scripted()
    disposition = await _executor(parts).execute(_message(rescan(_id("unavailable")), receives=3))
    assert disposition == Bury("after 3 attempts: clamd: cannot be reached")
    assert parts.calls == []


@pytest.mark.parametrize(
    ("upload", "expected"),
    [("good", Done()), ("bad", Bury("bad")), ("unavailable", Retry(2.0)), ("bug", Retry(2.0))],
)
async def test_a_withdrawal(upload: str, expected: Disposition) -> None:
    assert await _executor(Scripted()).execute(_message(withdrawal(_id(upload)))) == expected


async def test_an_unexpected_error_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    await _executor(Scripted()).execute(_message(_body("bug")))
    assert "KeyError: 'oops'" in caplog.text


@pytest.mark.parametrize(
    ("key", "reason"),
    [("unavailable", "after 3 attempts: clamd: cannot be reached"), ("bug", "after 3 attempts: an unexpected error")],
)
async def test_the_last_attempt_records_the_failure_and_buries_the_message(key: str, reason: str) -> None:
    parts = Scripted()
    disposition = await _executor(parts).execute(_message(_body(key), receives=3))
    assert isinstance(disposition, Bury)
    assert disposition.reason.startswith(reason)
    assert parts.calls[-1] == ("give_up", key, disposition.reason)


async def test_an_object_that_ends_each_worker_is_not_tried_for_ever() -> None:
    parts = Scripted()
    disposition = await _executor(parts).execute(_message(_body("good"), receives=4))
    assert disposition == Bury("the worker ended in each of 3 attempts")
    assert parts.calls == [("give_up", "good", "the worker ended in each of 3 attempts")]


async def test_to_give_up_on_an_object_in_another_bucket_records_nothing() -> None:
    parts = Scripted()
    disposition = await _executor(parts).execute(_message(_body("foreign bucket"), receives=4))
    assert disposition == Bury("the worker ended in each of 3 attempts")
    assert parts.calls == []


async def test_a_failure_that_cannot_be_recorded_waits_and_is_then_retried_but_not_for_ever() -> None:
    parts = Scripted(Unavailable("dynamodb", "cannot be reached"))
    assert await _executor(parts).execute(_message(_body("unavailable"), receives=3)) == Wait(2.0, NOW)
    long = {waiting.SINCE: str(NOW - waiting.LONGEST - 1)}
    assert await _executor(parts).execute(_message(_body("unavailable"), 3, long)) == Retry(72.0)
    disposition = await _executor(parts).execute(_message(_body("unavailable"), 7, long))
    assert isinstance(disposition, Bury)


@pytest.mark.parametrize(
    ("key", "waited", "expected"),
    [
        ("outage", 0, Wait(2.0, NOW)),
        ("outage", 400, Wait(100.0, NOW - 400)),
        ("outage", waiting.LONGEST, Wait(300.0, NOW - waiting.LONGEST)),
        ("outage", waiting.LONGEST + 1, Retry(2.0)),
        ("skew", 0, Wait(2.0, NOW)),
        ("skew", waiting.LONGEST + 1, Bury("after a day: skew")),
    ],
)
async def test_what_the_message_is_not_the_cause_of_waits_for_a_day(
    key: str, waited: float, expected: Disposition
) -> None:
    message = _message(_body(key, "good"), 1, {waiting.SINCE: f"{NOW - waited:.0f}"} if waited else {})
    assert await _executor(Scripted()).execute(message) == expected


async def test_what_can_never_be_done_here_is_given_up_at_the_first_attempt() -> None:
    parts = Scripted()
    assert await _executor(parts).execute(_message(_body("too large"))) == Bury("spool: there is no room")
    assert parts.calls[-1] == ("give_up", "too large", "spool: there is no room")


async def test_a_request_of_a_newer_version_waits_for_a_worker_that_knows_it() -> None:
    body = json.dumps({"airlock": {"something_new": "x"}})
    executor = _executor(Scripted())
    assert await executor.execute(_message(body)) == Wait(2.0, NOW)
    assert executor.skews.recent() == ["the message asks neither for one withdrawal nor for one rescan"]


async def test_at_the_last_attempt_an_outage_is_waited_out() -> None:
    parts = Scripted()
    assert await _executor(parts).execute(_message(_body("outage"), receives=3)) == Wait(2.0, NOW)
    assert ("give_up", "outage") not in [call[:2] for call in parts.calls]


@pytest.mark.parametrize("written", ["", "soon", "nan", "inf", "-inf", str(NOW + 1)])
async def test_whatever_is_written_as_the_beginning_it_is_not_in_the_future(written: str) -> None:
    assert await _executor(Scripted()).execute(_message(_body("outage"), 1, {waiting.SINCE: written})) == Wait(2.0, NOW)


async def test_what_the_configuration_lacks_is_remembered_for_a_while() -> None:
    executor = _executor(Scripted())
    for number in range(30):
        await executor.execute(_message(_body(f"skew {number}", f"skew {number}")))
    assert executor.skews.recent() == [f"skew {number}" for number in range(10, 30)]


async def test_a_bug_while_a_failure_is_recorded_does_not_keep_the_message() -> None:
    parts = Scripted(ValueError("worse"))
    disposition = await _executor(parts).execute(_message(_body("unavailable"), receives=3))
    assert disposition == Bury("after 3 attempts: clamd: cannot be reached")


async def test_to_give_up_on_a_withdrawal_needs_no_record() -> None:
    disposition = await _executor(Scripted()).execute(_message(withdrawal(_id("unavailable")), receives=3))
    assert disposition == Bury("after 3 attempts: clamd: cannot be reached")


def test_pauses_grow_up_to_a_limit() -> None:
    high, low = _executor(Scripted()), _executor(Scripted(), lambda lower, _: lower)
    assert [high.pause(attempt) for attempt in range(1, 6)] == [2, 12, 72, 432, BACKOFF.longest]
    assert low.pause(1) == 1
    assert high.pause(10**6) == BACKOFF.longest
