"""`airlock release`: an operator releases a false positive; who did it and why is recorded and published."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from airlock.lifecycle import State
from aws.dynamodb.records import Record
from aws.settings import AwsSettings
from ops.cli import main
from service.models.responses import MadeChange, UploadStatus
from service.uploads import documents
from tests.deployment import keys_of
from tests.ops.terminal import Ran, airlock
from tests.workers.harness import EICAR, PNG, WorkerHarness, accepted_at, harness_in

REASON = "the test file of our own scanner"


@pytest.fixture
async def harness(deployment: AwsSettings, tmp_path: Path) -> AsyncIterator[WorkerHarness]:
    async with harness_in(deployment, tmp_path) as here:
        yield here


async def release(harness: WorkerHarness, *arguments: str, pod: str = "operator") -> Ran:
    variables = {name: value for name, value in harness.environment().items() if name != "AIRLOCK_SECRETS"}
    keys = keys_of("operator" if pod == "operator" else "service", harness.settings)
    return await airlock("release", *arguments, **{**variables, **keys.environment()})


async def test_an_operator_releases_an_infected_upload_and_its_owner_gets_an_event(harness: WorkerHarness) -> None:
    async with harness.working(visibility=2):
        infected = await harness.settled(await harness.put(EICAR, content_type="text/plain"))
        accepted = await harness.settled(await harness.put(PNG))
        await harness.idle()
    await harness.events(2)

    ran = await release(harness, infected.id, "--reason", REASON, "--by", "Grace")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("Released: photo.png, which was infected\n")
    record = await harness.records.get(infected.id)
    assert record is not None
    assert f"s3://{harness.settings.accepted_bucket}/{accepted_at(record).key}" in ran.out
    assert (record.state, record.moving_from) == (State.ACCEPTED, None)
    assert await harness.read(harness.settings.accepted_bucket, accepted_at(record).key) == EICAR
    [change] = record.changes
    assert change.reason == REASON
    assert change.by.startswith("Grace (arn:aws:iam::")
    [event] = await harness.events()
    assert (event["type"], event["id"]) == ("airlock.upload.accepted", record.event_id)

    body = status_of(record)
    assert body["state"] == "accepted"
    [change] = body["changes"]
    assert (change["step"], change["before"], change["reason"]) == ("release", "infected", REASON)
    assert "Grace" not in json.dumps(body)

    again = await release(harness, infected.id, "--reason", "another")
    assert again.code == 0
    assert again.out.startswith("Already released, at 20")
    assert REASON in again.out

    refused = await release(harness, accepted.id, "--reason", REASON)
    assert refused.code == 1
    assert "cannot release an upload that is accepted" in refused.err
    unknown = await release(harness, "0" * 60, "--reason", REASON)
    assert (unknown.code, unknown.out) == (1, "")
    assert "No record of the upload" in unknown.err


def status_of(record: Record) -> Any:
    """The service's response about a record, validated by its model."""
    answer = documents.status(None, record, 0)  # type: ignore[arg-type]  # an upload that has a record
    assert isinstance(answer.body, bytes)
    body = json.loads(answer.body)
    UploadStatus.model_validate(body)
    return body


def test_the_owner_does_not_see_who_decided() -> None:
    assert set(MadeChange.model_fields) == {"step", "before", "at", "reason"}


async def test_a_user_who_may_not_write_to_accepted_releases_nothing(harness: WorkerHarness) -> None:
    async with harness.working():
        infected = await harness.settled(await harness.put(EICAR, content_type="text/plain"))
        await harness.idle()
    ran = await release(harness, infected.id, "--reason", REASON, pod="service")
    assert ran.code == 1
    assert "403" in ran.err
    assert await harness.versions(harness.settings.accepted_bucket) == []
    record = await harness.records.get(infected.id)
    assert record is not None
    assert (record.state, record.changes, record.moving_from) == (State.INFECTED, (), None)


async def test_bytes_that_are_no_longer_in_quarantine_cannot_be_released(harness: WorkerHarness) -> None:
    async with harness.working():
        infected = await harness.settled(await harness.put(EICAR, content_type="text/plain"))
        await harness.idle()
    assert infected.location is not None
    bucket, key, version_id = infected.location
    await harness.clients.s3.delete_object(Bucket=bucket, Key=key, VersionId=version_id)
    ran = await release(harness, infected.id, "--reason", REASON)
    assert (ran.code, ran.out) == (1, "")
    assert "The bytes are no longer in quarantine" in ran.err


@pytest.mark.parametrize("reason", [[], ["--reason", " "], ["--reason", "a\nb"], ["--reason", "x" * 501]])
def test_the_reason_must_be_one_line(reason: list[str]) -> None:
    ran = CliRunner().invoke(main, ["release", "0" * 60, *reason])
    assert ran.exit_code == 2
    assert "reason" in ran.output
