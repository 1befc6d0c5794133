"""The service's role writes sessions, counters and the mark of a withdrawal, and nothing else into the table."""

import contextlib
from typing import Any, cast

import pytest
from pydantic import SecretStr

from airlock.errors import AirlockError
from airlock.profiles import Profiles
from airlock.quotas import DAY, Subject, Usage, Window
from airlock.upload_session import Session
from aws.dynamodb.records import Records
from aws.dynamodb.upload_sessions import UploadSessions
from aws.dynamodb.usage_counters import UsageCounters
from aws.settings import AwsSettings
from ops.dev.emulator import ACCOUNT, PARTITION, REGION
from ops.iam import policies
from ops.iam.policies import Pod, PolicyDocument
from tests.ops.iam.evaluator import allows

SETTINGS = AwsSettings(
    region=REGION,
    incoming_bucket="incoming",
    accepted_bucket="accepted",
    quarantine_bucket="quarantine",
    secrets=[SecretStr("s" * 32)],
)
PROFILES = Profiles.load('[profiles.default]\ncontent_types = ["*/*"]\nunexamined = ["*/*"]\nmax_bytes = 1\n')
UPLOAD = "0" * 60
SESSION = Session("0123456789abcdef", "ada", None, "default", 2_000_000_000, 3, 1000)
TEXT: Any = {"S": "x"}


def policy(pod: Pod) -> PolicyDocument:
    return policies.document(pod, SETTINGS, PROFILES, partition=PARTITION, account=ACCOUNT)


class Recorder:
    """A client that records what it is asked, and answers nothing."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    async def update_item(self, **request: Any) -> Any:
        self.requests.append(request)
        return {"Attributes": {}}


def update(key: str, expression: str, **more: Any) -> dict[str, Any]:
    return {"TableName": SETTINGS.table, "Key": {"id": {"S": key}}, "UpdateExpression": expression, **more}


async def test_the_role_allows_each_write_that_the_service_makes() -> None:
    recorder = Recorder()
    client, table = cast(Any, recorder), SETTINGS.table
    today = Window.at(1_790_000_000, DAY)
    writes = (
        Records(client, table).withdraw(UPLOAD, 1_790_000_000.5),
        UploadSessions(client, table).spend(SESSION, 1, 1),
        UsageCounters(client, table).add(Subject("owner", "ada"), today, Usage(1, 1, 0), by="a", part=1),
        UsageCounters(client, table).add(Subject("tenant", "acme"), today, Usage(1, 1, 0), by="a", part=1),
    )
    for write in writes:
        with contextlib.suppress(AirlockError):
            await write
    assert len(recorder.requests) == len(writes)
    for request in recorder.requests:
        assert allows(policy("service"), "UpdateItem", request), request


@pytest.mark.parametrize(
    "request_",
    [
        update(UPLOAD, "SET #s = :x", ExpressionAttributeNames={"#s": "state"}),
        update(UPLOAD, "SET verdict = :x"),
        update(UPLOAD, "SET withdrawn_at = :x, #s = :x", ExpressionAttributeNames={"#s": "state"}),
        update(UPLOAD, "SET withdrawn_at = :x REMOVE verdict"),
        update(UPLOAD, "SET withdrawn_at = :x ADD attempts :x"),
        update(UPLOAD, "SET withdrawn_at = verdict"),
        update(UPLOAD, "SET withdrawn_at = if_not_exists(location, :x)"),
        update(
            UPLOAD, "SET withdrawn_at = :x", ConditionExpression="#o = :x", ExpressionAttributeNames={"#o": "owner"}
        ),
        update(UPLOAD, "REMOVE moving_from"),
        update(UPLOAD, "SET expires_at = :x"),
        update(UPLOAD, "SET changes[0] = :x"),
        update("", "SET verdict = :x"),
        update(f"x-session#{UPLOAD}", "SET verdict = :x"),
        update("backfill#run", "SET verdict = :x"),
        update("usage", "SET uploads = :x"),
        update("session#1", "SET bytes = :x", TableName="another"),
        {"TableName": SETTINGS.table},
    ],
)
def test_the_role_refuses_every_other_write(request_: dict[str, Any]) -> None:
    assert not allows(policy("service"), "UpdateItem", request_)


@pytest.mark.parametrize("call", ["PutItem", "DeleteItem", "Scan", "Query", "PartiQLUpdate", "UpdateTimeToLive"])
def test_the_role_refuses_every_other_call_of_the_table(call: str) -> None:
    assert not allows(policy("service"), call, update("session#1", "SET withdrawn_at = :x"))


@pytest.mark.parametrize("number", range(2))
def test_each_condition_is_needed(number: int) -> None:
    """`ForAllValues` alone is true for a request that has no value for it."""
    held = policy("service")
    written = [each for each in held["Statement"] if each["Action"] == "dynamodb:UpdateItem"]
    del written[number]["Condition"]["Null"]
    assert allows(held, "UpdateItem", {"TableName": SETTINGS.table})


def test_the_workers_role_writes_whole_records() -> None:
    for key in (UPLOAD, "usage#owner#ada#20261122"):
        assert allows(policy("workers"), "UpdateItem", update(key, "SET verdict = :x"))
    assert not allows(policy("workers"), "DeleteItem", update(UPLOAD, ""))
