"""The API over the real adapters, with S3, SQS and DynamoDB emulators that verify signatures."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from yarl import URL

from airlock import events
from airlock.lifecycle import State
from airlock.verdict import Outcome
from aws.dynamodb.records import Location
from aws.settings import AwsSettings
from tests.service.deployed import DeployedService, deployed_service, post_form
from tests.service.uploads.test_handlers import VERDICT, record

CONTENT = b"\x89PNG\r\n\x1a\n"


@pytest_asyncio.fixture
async def service(deployment: AwsSettings) -> AsyncIterator[DeployedService]:
    async with deployed_service(deployment) as running:
        yield running


async def test_the_form_stores_the_file_with_exactly_what_was_declared(service: DeployedService) -> None:
    created = await service.create(filename="r\u00e9sum\u00e9 1.png", size=len(CONTENT), metadata={"note": "caf\u00e9"})
    form = created["upload"]
    assert await post_form(service.http, form["url"], form["fields"], CONTENT) == (204, "")
    key = form["fields"]["key"]
    stored = await service.clients.s3.get_object(Bucket=service.settings.incoming_bucket, Key=key)
    assert await stored["Body"].read() == CONTENT
    assert stored["ContentType"] == "image/png"
    assert stored["Metadata"] == {
        "owner": "shop",
        "profile": "default",
        "filename": "r%C3%A9sum%C3%A9%201.png",
        "size": str(len(CONTENT)),
        "user-note": "caf%C3%A9",
    }


async def test_the_articles_form_stores_the_file(service: DeployedService) -> None:
    form = (await service.ask("GET", "/api/get-presigned-policy?filename=a.png")).json
    assert await post_form(service.http, form["url"], form["fields"], CONTENT) == (204, "")


async def test_a_status_is_held_until_the_record_changes(service: DeployedService) -> None:
    upload = (await service.create())["id"]
    held = asyncio.create_task(service.ask("GET", f"/v1/uploads/{upload}?wait=30&state=awaiting_upload"))
    await service.records.claim(record(upload))
    assert (await held).json["state"] == "inspecting"


async def test_accepted_bytes_are_served_and_come_as_an_attachment(service: DeployedService) -> None:
    upload = (await service.create())["id"]
    bucket = service.settings.accepted_bucket
    first = await service.clients.s3.put_object(Bucket=bucket, Key="a.png", Body=CONTENT)
    later = await service.clients.s3.put_object(Bucket=bucket, Key="a.png", Body=b"a later version")
    location = Location(bucket, "a.png", first["VersionId"])
    claim = await service.records.claim(record(upload))
    verdict = VERDICT.model_copy(update={"outcome": Outcome.ACCEPTED})
    await service.records.settle(claim.record, verdict, place="accepted", location=location, now=1.0)
    redirect = await service.ask("GET", f"/v1/uploads/{upload}/content")
    assert redirect.status == 302
    url = URL(redirect.headers["Location"], encoded=True)
    # They are in the signed URL; the emulator ignores them when a version is named.
    assert url.query["response-content-type"] == "image/png"
    assert "ph%C3%B6to.png" in url.query["response-content-disposition"]
    async with service.http.get(url) as response:
        assert await response.read() == CONTENT
    async with service.http.get(url.update_query({"versionId": later["VersionId"]})) as response:
        assert response.status == 403


async def test_a_withdrawal_reaches_the_worker_and_cannot_be_undone(service: DeployedService) -> None:
    upload = (await service.create())["id"]
    for _ in range(2):
        assert (await service.ask("DELETE", f"/v1/uploads/{upload}")).status == 202
    assert (await service.records.claim(record(upload))).result == "withdrawn"
    messages = await service.queue.receive(10, 1, 60)
    assert {event for message in messages for event in events.parse(message.body)} == {
        events.WithdrawalRequested(upload)
    }


async def test_the_list_goes_page_by_page(service: DeployedService) -> None:
    for number in range(3):
        await service.records.claim(replace(record(f"u{number}"), created_at=float(number)))
    await service.records.claim(record("other", owner="press"))
    first = (await service.ask("GET", "/v1/uploads?limit=2&state=inspecting")).json
    assert [each["id"] for each in first["uploads"]] == ["u2", "u1"]
    second = (await service.ask("GET", f"/v1/uploads?limit=2&cursor={first['cursor']}")).json
    assert [each["id"] for each in second["uploads"]] == ["u0"]
    wrong = await service.ask("GET", "/v1/uploads?cursor=made-up")
    assert (wrong.status, wrong.json["code"]) == (400, "invalid_cursor")


async def test_a_deployment_that_is_there_is_ready(service: DeployedService) -> None:
    assert (await service.ask("GET", "/readyz", owner=None)).json == {"status": "ok", "away": []}


async def test_without_dynamodb_every_call_is_503_but_new_policies(deployment: AwsSettings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with deployed_service(deployment, endpoint_url=closed) as service:
            upload = (await service.create())["id"]
            for method, path in (
                ("GET", "/v1/uploads"),
                ("GET", f"/v1/uploads/{upload}"),
                ("DELETE", f"/v1/uploads/{upload}"),
            ):
                answer = await service.ask(method, path)
                assert (answer.status, answer.json["code"]) == (503, "dependency_unavailable")
                assert "Retry-After" in answer.headers
                assert closed.encode() not in answer.body
            ready = await service.ask("GET", "/readyz", owner=None)
            assert (ready.status, ready.json) == (200, {"status": "ok", "away": ["dynamodb", "sqs"]})


@pytest.mark.parametrize("state", [State.WITHDRAWN])
async def test_a_tombstone_is_shown_without_what_it_does_not_have(service: DeployedService, state: State) -> None:
    created = await service.create()
    await service.ask("DELETE", created["links"]["self"])
    shown = (await service.ask("GET", created["links"]["self"])).json
    assert shown["state"] == state
    assert "filename" not in shown
