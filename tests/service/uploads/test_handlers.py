"""What each call does, with fakes of the ports."""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from airlock import events, lifecycle, upload_id
from airlock.errors import Unavailable
from airlock.lifecycle import State
from airlock.policy import Credentials
from airlock.profiles import Profiles
from airlock.verdict import Engine, ExaminedReading, Finding, Outcome, Verdict
from aws.dynamodb.records import Location, Record
from service.models import responses
from tests.service.fakes import START
from tests.service.harness import SECRET, ServiceHarness, settings

VERDICT = Verdict(
    outcome=Outcome.ACCEPTED,
    readings=(ExaminedReading(media_type="image/png", examined_by=("image",)),),
    members={"text/plain": 2},
    findings=(Finding(code="note", check="size", outcome=Outcome.ACCEPTED, message="A note."),),
    engines=(Engine(name="yara-x", version="1.23"),),
    missing=("clamd",),
    bytes=5,
    sha256="ab" * 32,
    media_type="image/png",
    inspected_at=datetime(2026, 9, 21, 12, tzinfo=UTC),
)


def record(upload: str, state: State = State.INSPECTING, owner: str = "shop", **more: Any) -> Record:
    """The record of an upload whose object arrived."""
    values: dict[str, Any] = {
        "id": upload,
        "owner": owner,
        "state": state,
        "created_at": START,
        "updated_at": START + 1.25,
        "profile": "default",
        "filename": "ph\u00f6to.png",
        "content_type": "image/png",
        "size": 5,
        "version_id": "v1",
        "etag": "e",
    }
    return Record(**{**values, **more})


def accepted(upload: str, **more: Any) -> Record:
    """The record of an accepted upload."""
    place = Location("accepted-test", "default/a.png", "v9")
    return record(upload, State.ACCEPTED, verdict=VERDICT, place="accepted", location=place, **more)


def conditions(form: dict[str, dict[str, str]]) -> list[object]:
    found: list[object] = orjson.loads(base64.b64decode(form["fields"]["policy"]))["conditions"]
    return found


# --- create ---


async def test_a_new_upload_is_answered_with_a_policy_and_where_to_follow_it(service: ServiceHarness) -> None:
    answer = await service.ask("POST", "/v1/uploads", json={"filename": "photo.png", "size": 5})
    created = responses.CreatedUpload.model_validate_json(answer.body)
    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Location"] == created.links.self == f"/v1/uploads/{created.id}"
    assert created.upload.url == "https://incoming-test.s3.eu-central-1.amazonaws.com/"
    assert created.upload.fields["key"] == f"incoming/{created.id}"
    assert created.expires_at == datetime.fromtimestamp(START + 900, UTC)
    assert answer.json["expires_at"].endswith("Z")


async def test_a_declared_size_is_the_only_one_taken(service: ServiceHarness) -> None:
    created = await service.create(size=5)
    assert ["content-length-range", 5, 5] in conditions(created["upload"])
    assert created["max_bytes"] == 5


async def test_without_a_size_the_profiles_limits_hold(service: ServiceHarness) -> None:
    created = await service.create(profile="avatar")
    assert ["content-length-range", 1, 10 * 1024**2] in conditions(created["upload"])
    assert created["max_bytes"] == 10 * 1024**2


async def test_everything_declared_is_signed(service: ServiceHarness) -> None:
    digest = "ab" * 32
    created = await service.create(filename="../r\u00e9sum\u00e9.pdf", sha256=digest, metadata={"note": "caf\u00e9"})
    fields = created["upload"]["fields"]
    assert fields["x-amz-checksum-sha256"] == base64.b64encode(bytes.fromhex(digest)).decode()
    assert fields["x-amz-meta-filename"] == "../r%C3%A9sum%C3%A9.pdf"
    assert fields["x-amz-meta-user-note"] == "caf%C3%A9"
    assert fields["x-amz-meta-owner"] == "shop"
    assert fields["Content-Type"] == "application/pdf"
    signed = {name for each in conditions(created["upload"]) if isinstance(each, dict) for name in each}
    assert set(fields) - signed == {"policy", "x-amz-signature"}


async def test_the_file_name_is_no_part_of_the_key(service: ServiceHarness) -> None:
    created = await service.create(filename="/etc/../passwd.txt")
    assert created["upload"]["fields"]["key"] == f"incoming/{created['id']}"


async def test_the_id_lives_exactly_as_long_as_the_policy(service: ServiceHarness) -> None:
    """With credentials that end in a minute, the policy and the id end in a minute too."""
    end = datetime.fromtimestamp(START + 60, UTC)
    service.credentials.held = Credentials("AKIA", "secret", "session", end)
    created = await service.create()
    found = upload_id.verify(created["id"], "shop", [SECRET.encode()])
    assert found.expires_at == START + 60
    assert datetime.fromisoformat(created["expires_at"]) == end
    assert created["upload"]["fields"]["x-amz-security-token"] == "session"


async def test_without_credentials_nothing_is_signed(service: ServiceHarness) -> None:
    service.credentials.held = None
    answer = await service.ask("POST", "/v1/uploads", json={"filename": "a.png"})
    assert (answer.status, answer.json["code"]) == (503, "dependency_unavailable")
    assert answer.headers["Retry-After"] == "5"
    service.credentials.held = Credentials("AKIA", "secret", None, datetime.fromtimestamp(START - 1, UTC))
    answer = await service.ask("POST", "/v1/uploads", json={"filename": "a.png"})
    assert answer.status == 503


async def test_a_policy_needs_no_dependency(service: ServiceHarness) -> None:
    service.records.error = Unavailable("dynamodb", "away")
    service.queue.error = Unavailable("sqs", "away")
    assert (await service.create())["state"] == "awaiting_upload"


async def test_the_articles_contract_gives_url_and_fields(service: ServiceHarness) -> None:
    answer = await service.ask("GET", "/api/get-presigned-policy", params={"filename": "holiday.JPG", "_": "1"})
    assert answer.status == 200
    assert set(answer.json) == {"url", "fields"}
    assert answer.json["fields"]["Content-Type"] == "image/jpeg"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "invalid_fields"),
        ("?filename=", 400, "invalid_filename"),
        ("?filename=page.html", 415, "content_type_not_allowed"),
    ],
)
async def test_the_articles_contract_refuses_with_a_problem(
    service: ServiceHarness, query: str, status: int, code: str
) -> None:
    answer = await service.ask("GET", f"/api/get-presigned-policy{query}")
    assert (answer.status, answer.json["code"]) == (status, code)


# --- status ---


async def test_before_anything_arrives_the_state_comes_from_the_id(service: ServiceHarness) -> None:
    created = await service.create()
    answer = await service.ask("GET", created["links"]["self"])
    assert responses.UploadStatus.model_validate_json(answer.body).state == "awaiting_upload"
    assert set(answer.json) == {"id", "state", "created_at", "expires_at", "links"}
    assert answer.json["state"] == "awaiting_upload"
    service.clock.advance(900 + lifecycle.ARRIVAL_SECONDS)
    assert (await service.ask("GET", created["links"]["self"])).json["state"] == "expired"


async def test_a_recorded_upload_has_its_verdict(service: ServiceHarness) -> None:
    upload = (await service.create())["id"]
    service.records.put(accepted(upload))
    answer = await service.ask("GET", f"/v1/uploads/{upload}")
    status = responses.UploadStatus.model_validate_json(answer.body)
    assert status.verdict is not None
    assert status.verdict.sha256 == "ab" * 32
    assert (status.filename, status.size, status.state) == ("ph\u00f6to.png", 5, "accepted")
    assert answer.json["updated_at"] == "2026-09-21T14:13:21.250000Z"
    found = {"code": "note", "check": "size", "outcome": "accepted", "message": "A note."}
    assert answer.json["verdict"]["findings"] == [found]
    assert answer.json["verdict"]["readings"] == [{"media_type": "image/png", "examined_by": ["image"]}]
    assert answer.json["verdict"]["members"] == {"text/plain": 2}
    assert answer.json["verdict"]["missing"] == ["clamd"]
    assert answer.json["verdict"]["engines"] == [{"name": "yara-x", "version": "1.23", "signatures_at": None}]


async def test_later_objects_of_the_same_policy_are_counted(service: ServiceHarness) -> None:
    upload = (await service.create())["id"]
    service.records.put(accepted(upload, overwrites=3, overwritten_at=START + 7.5))
    answer = await service.ask("GET", f"/v1/uploads/{upload}")
    status = responses.UploadStatus.model_validate_json(answer.body)
    assert status.overwrites == 3
    assert status.overwritten_at == datetime.fromtimestamp(START + 7.5, UTC)


async def test_someone_elses_upload_does_not_exist(service: ServiceHarness) -> None:
    created = await service.create()
    for method, path in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
        answer = await service.ask(method, created["links"]["self"] + path, owner="press")
        assert (answer.status, answer.json["code"]) == (404, "upload_not_found")
    assert service.queue.sent == []


async def test_a_record_of_another_owner_does_not_exist(service: ServiceHarness) -> None:
    upload = (await service.create())["id"]
    service.records.put(accepted(upload, owner="press"))
    for method, path in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
        answer = await service.ask(method, f"/v1/uploads/{upload}{path}")
        assert (answer.status, answer.json["code"]) == (404, "upload_not_found")


@pytest.mark.parametrize("text", ["x", "0" * 48, "%00", "..%2f..%2fetc", "%ff%fe", "\u0661" * 48, "A" * 48, "0" * 5000])
async def test_what_is_no_id_is_not_found(service: ServiceHarness, text: str) -> None:
    answer = await service.ask("GET", f"/v1/uploads/{text}")
    assert answer.status == 404
    assert answer.json["code"] in ("upload_not_found", "not_found")


async def test_ids_of_a_retired_secret_live_on_until_it_is_removed(profiles: Profiles) -> None:
    """The newest secret signs; all that are listed verify."""
    new, old = settings().secrets[0], "second-secret-" + "0" * 32
    retired = settings(secrets=[type(new)(old)])
    async with ServiceHarness(retired, profiles) as before:
        upload = (await before.create())["id"]
    async with ServiceHarness(settings(secrets=[new, type(new)(old)]), profiles) as rotating:
        assert (await rotating.ask("GET", f"/v1/uploads/{upload}")).status == 200
        newer = (await rotating.create())["id"]
    async with ServiceHarness(settings(secrets=[new]), profiles) as after:
        assert (await after.ask("GET", f"/v1/uploads/{upload}")).status == 404
        assert (await after.ask("GET", f"/v1/uploads/{newer}")).status == 200


# --- list ---


async def test_a_list_holds_the_callers_uploads_newest_first(service: ServiceHarness) -> None:
    service.records.put(record("a", created_at=START))
    service.records.put(accepted("b", created_at=START + 1))
    service.records.put(record("c", owner="press"))
    answer = await service.ask("GET", "/v1/uploads")
    assert [each.id for each in responses.UploadPage.model_validate_json(answer.body).uploads] == ["b", "a"]
    answer = await service.ask("GET", "/v1/uploads?state=accepted&limit=1")
    assert [each["id"] for each in answer.json["uploads"]] == ["b"]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "state=fine", "page=2", "cursor=" + "x" * 1025])
async def test_a_wrong_query_names_its_field(service: ServiceHarness, query: str) -> None:
    answer = await service.ask("GET", f"/v1/uploads?{query}")
    assert (answer.status, answer.json["code"]) == (400, "invalid_fields")
    assert answer.json["field"] == query.partition("=")[0]


# --- content ---


async def test_accepted_bytes_are_served_for_a_minute_as_an_attachment(service: ServiceHarness) -> None:
    upload = (await service.create())["id"]
    service.records.put(accepted(upload))
    answer = await service.ask("GET", f"/v1/uploads/{upload}/content")
    assert answer.status == 302
    assert answer.headers["Location"] == "https://accepted-test.s3.example/default/a.png?versionId=v9"
    assert answer.headers["Cache-Control"] == "no-store"
    (asked,) = service.objects.presigned
    assert asked["expires"] == 60
    assert asked["content_type"] == "image/png"
    assert asked["content_disposition"] == "attachment; filename=\"ph_to.png\"; filename*=UTF-8''ph%C3%B6to.png"


@pytest.mark.parametrize("state", sorted(set(State) - {State.ACCEPTED}))
async def test_nothing_is_served_that_was_not_accepted(service: ServiceHarness, state: State) -> None:
    upload = (await service.create())["id"]
    if state not in (State.AWAITING_UPLOAD, State.EXPIRED):
        service.records.put(replace(accepted(upload), state=state))
    answer = await service.ask("GET", f"/v1/uploads/{upload}/content")
    assert (answer.status, answer.json["code"]) == (409, "not_accepted")
    assert service.objects.presigned == []


# --- withdraw ---


async def test_a_withdrawal_is_recorded_and_sent_to_the_worker(service: ServiceHarness) -> None:
    upload = (await service.create())["id"]
    service.records.put(accepted(upload))
    for _ in range(2):
        answer = await service.ask("DELETE", f"/v1/uploads/{upload}")
        assert answer.status == 202
        assert responses.WithdrawnUpload.model_validate_json(answer.body).id == upload
    assert (await service.ask("GET", f"/v1/uploads/{upload}")).json["state"] == "withdrawn"
    assert service.queue.sent == [(service.settings.queue, events.withdrawal(upload))] * 2
    assert events.parse(service.queue.sent[0][1]) == [events.WithdrawalRequested(upload)]


async def test_a_withdrawal_before_any_object_leaves_a_tombstone(service: ServiceHarness) -> None:
    created = await service.create()
    assert (await service.ask("DELETE", created["links"]["self"])).status == 202
    answer = await service.ask("GET", created["links"]["self"])
    assert set(answer.json) == {"id", "state", "created_at", "updated_at", "links"}
    assert (answer.json["state"], answer.json["created_at"]) == ("withdrawn", "2026-09-21T14:13:20Z")


# --- unavailable dependencies ---


@pytest.mark.parametrize(
    "path", ["/v1/uploads", "/v1/uploads/{id}", "/v1/uploads/{id}?wait=1", "/v1/uploads/{id}/content"]
)
async def test_without_records_it_is_503_with_retry_after(service: ServiceHarness, path: str) -> None:
    upload = (await service.create())["id"]
    service.records.error = Unavailable("dynamodb", "secret internals at 10.0.0.1")
    answer = await service.ask("GET", path.format(id=upload))
    assert (answer.status, answer.json["code"]) == (503, "dependency_unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert "DynamoDB" in answer.json["detail"]
    assert b"internals" not in answer.body


async def test_without_the_queue_it_is_503_and_the_withdrawal_can_be_repeated(service: ServiceHarness) -> None:
    upload = (await service.create())["id"]
    service.queue.error = Unavailable("sqs", "away")
    answer = await service.ask("DELETE", f"/v1/uploads/{upload}")
    assert answer.status == 503
    assert "SQS" in answer.json["detail"]
    service.queue.error = None
    assert (await service.ask("DELETE", f"/v1/uploads/{upload}")).status == 202
    assert len(service.queue.sent) == 1


async def test_a_fault_of_ours_is_500_and_reveals_nothing(service: ServiceHarness) -> None:
    upload = (await service.create())["id"]
    service.records.error = RuntimeError("the secret reason")
    answer = await service.ask("GET", f"/v1/uploads/{upload}")
    assert (answer.status, answer.json["code"]) == (500, "internal")
    assert b"secret reason" not in answer.body
