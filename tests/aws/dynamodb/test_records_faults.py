"""DynamoDB that throttles, fails, or answers less than AWS does."""

import base64
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from airlock.errors import Refused, Unavailable
from airlock.lifecycle import State
from aws.clients import connect
from aws.dynamodb.record import Record, to_item
from aws.dynamodb.records import Records
from aws.retry import DYNAMODB
from tests.aws import settings_at
from tests.aws.faults import RESET, Script, answer, serving

pytestmark = pytest.mark.usefixtures("made_up_keys")

HELD = Record(id="a", owner="ada", state=State.INSPECTING, created_at=1, updated_at=1, version_id="v1")
FAILED_CONDITION = {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}


def ok(document: Any, status: int = 200) -> bytes:
    return answer(status, json.dumps(document).encode(), headers="Content-Type: application/x-amz-json-1.0\r\n")


def refusal(code: str, status: int = 400, message: str = "") -> bytes:
    return ok({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message}, status)


@contextlib.asynccontextmanager
async def records_at(script: Script, pauses: list[float] | None = None) -> AsyncIterator[Records]:
    async def sleep(seconds: float) -> None:
        (pauses if pauses is not None else []).append(seconds)

    settings = settings_at(script.url)
    async with connect(settings, services=("dynamodb",)) as clients:
        yield Records(clients.dynamodb, settings.table, replace(DYNAMODB, sleep=sleep, uniform=lambda _, high: high))


def batch(items: list[Record], left: list[str]) -> bytes:
    unprocessed = {"uploads-test": {"Keys": [{"id": {"S": key}} for key in left]}} if left else {}
    return ok({"Responses": {"uploads-test": [to_item(item) for item in items]}, "UnprocessedKeys": unprocessed})


async def test_unprocessed_keys_are_requested_again() -> None:
    pauses: list[float] = []
    other = Record(id="b", owner="ada", state=State.RECEIVED, created_at=1, updated_at=1)
    answers = (batch([HELD], ["b"]), batch([], ["b"]), batch([other], []))
    async with serving(*answers) as script, records_at(script, pauses) as records:
        assert await records.batch_get(["a", "b"]) == {"a": HELD, "b": other}
    assert len(script.requests) == 3
    assert pauses == [0.1, 0.2]


async def test_keys_that_stay_unprocessed_make_dynamodb_unavailable() -> None:
    async with serving(batch([], ["a"])) as script, records_at(script) as records:
        with pytest.raises(Unavailable, match="unprocessed"):
            await records.batch_get(["a"])
    assert len(script.requests) == DYNAMODB.attempts


def calls(records: Records) -> dict[str, Callable[[], Awaitable[Any]]]:
    return {
        "get": lambda: records.get("a"),
        "ping": records.ping,
        "batch_get": lambda: records.batch_get(["a"]),
        "claim": lambda: records.claim(HELD),
        "give_back": lambda: records.give_back(HELD, 1),
        "withdraw": lambda: records.withdraw("a", 1),
        "list": lambda: records.list("ada"),
    }


@pytest.mark.parametrize(
    "fault",
    [
        refusal("AccessDeniedException", message="not yours"),
        refusal("ResourceNotFoundException", message="no table"),
        refusal("InvalidSignatureException", message="secret"),
        refusal("ValidationException", message="our own mistake"),
    ],
    ids=["denied", "no table", "signature", "validation"],
)
async def test_every_error_answer_makes_dynamodb_unavailable(fault: bytes) -> None:
    async with serving(fault) as script, records_at(script) as records:
        for name, call in calls(records).items():
            with pytest.raises(Unavailable, match=r".") as caught:
                await call()
            assert caught.value.dependency == "dynamodb", name
            assert "secret" not in caught.value.detail


async def test_a_broken_connection_makes_dynamodb_unavailable(no_pauses: None) -> None:
    async with serving(RESET) as script, records_at(script) as records:
        with pytest.raises(Unavailable):
            await records.claim(HELD)


async def test_an_answer_without_an_expected_member_makes_dynamodb_unavailable() -> None:
    async with serving(answer(200, b"<html>")) as script, records_at(script) as records:
        for name in ("batch_get", "claim", "give_back", "list"):
            with pytest.raises(Unavailable, match="the answer has no"):
                await calls(records)[name]()


async def test_a_cursor_that_dynamodb_refuses_is_the_callers_fault() -> None:
    fault = refusal("ValidationException", message="The provided starting key is invalid")
    async with serving(fault) as script, records_at(script) as records:
        with pytest.raises(Refused, match="invalid_cursor"):
            await records.list("ada", cursor="WyJhIiwiMSJd")


async def test_a_server_that_does_not_return_the_record_with_a_refusal_is_asked_for_it() -> None:
    withdrawn = Record(id="a", owner="ada", state=State.WITHDRAWN, created_at=1, updated_at=1)
    answers = (ok(FAILED_CONDITION, 400), ok({"Item": to_item(withdrawn)}))
    async with serving(*answers) as script, records_at(script) as records:
        claim = await records.claim(HELD)
    assert (claim.result, claim.record) == ("withdrawn", withdrawn)


async def test_a_record_that_is_deleted_meanwhile_makes_the_claim_fail_for_now() -> None:
    async with serving(ok(FAILED_CONDITION, 400), ok({})) as script, records_at(script) as records:
        with pytest.raises(Unavailable):
            await records.claim(HELD)


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "not base64!",
        "é",
        "bm90IGpzb24",
        encoded(None),
        encoded({}),
        encoded(["u1"]),
        encoded(["u1", 17]),
        encoded(["", "17"]),
        encoded(["u" * 300, "17"]),
        encoded(["u1", "NaN"]),
        encoded(["u1", "1" * 40]),
        encoded(["u1", "17", "x"]),
        encoded([["u1"], "17"]),
    ],
)
async def test_a_cursor_that_is_not_from_a_page_is_refused_without_a_request(cursor: str) -> None:
    async with records_at(Script([], url="http://127.0.0.1:9")) as records:
        with pytest.raises(Refused) as caught:
            await records.list("ada", cursor=cursor)
    assert (caught.value.code, caught.value.field) == ("invalid_cursor", "cursor")
