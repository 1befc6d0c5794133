"""Upload sessions: a caller with a token creates them, within limits; a caller with a session can only upload."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from airlock.errors import CATALOGUE, Unavailable
from airlock.profiles import Profiles
from airlock.upload_session import TOKEN_PREFIX
from aws.settings import AwsSettings
from service.models import responses
from service.routes import OPERATIONS
from tests.service.deployed import DeployedService, deployed_service, post_form
from tests.service.fakes import START
from tests.service.harness import SECRET, Answer, ServiceHarness, settings
from tests.service.test_bad_input import problem
from tests.service.uploads.test_handlers import accepted, conditions

MIB = 1024**2
CONTENT = b"\x89PNG\r\n\x1a\n"


class Page:
    """A page that has only the token of a session."""

    def __init__(self, service: ServiceHarness | DeployedService, token: str) -> None:
        self.service = service
        self.token = token

    async def ask(self, method: str, path: str, **more: Any) -> Answer:
        bearer = {"Authorization": f"Bearer {self.token}"}
        return await self.service.ask(method, path, owner=None, headers=bearer, **more)

    async def create(self, **fields: Any) -> Answer:
        return await self.ask("POST", "/v1/uploads", json={"filename": "photo.png", **fields})

    async def statuses(self, count: int, **fields: Any) -> list[int]:
        return [(await self.create(**fields)).status for _ in range(count)]


async def mint(service: ServiceHarness | DeployedService, *, owner: str = "backend", **asked: Any) -> Any:
    """The response to a new session; fails unless it is 201."""
    answer = await service.ask("POST", "/v1/sessions", owner=owner, json=asked)
    assert answer.status == 201, answer.body
    return answer.json


async def page(service: ServiceHarness | DeployedService, **asked: Any) -> Page:
    return Page(service, (await mint(service, **asked))["token"])


# --- creating ---


async def test_a_session_is_for_oneself_and_one_upload_unless_more_is_asked(service: ServiceHarness) -> None:
    answer = await service.ask("POST", "/v1/sessions", json={})
    created = responses.CreatedSession.model_validate_json(answer.body)
    assert (answer.status, answer.headers["Cache-Control"]) == (201, "no-store")
    assert created.token.startswith(TOKEN_PREFIX)
    assert (created.owner, created.profile) == ("shop", "default")
    assert (created.max_uploads, created.max_bytes) == (1, 100 * MIB)
    assert created.expires_at == datetime.fromtimestamp(START + 900, UTC)


async def test_what_is_asked_for_is_what_it_allows(service: ServiceHarness) -> None:
    created = await mint(
        service, owner="backend", profile="avatar", max_uploads=3, max_bytes=1000, expires_in=86_400
    ) | {"token": ""}
    end = datetime.fromtimestamp(START + 86_400, UTC).isoformat().replace("+00:00", "Z")
    limits = {"max_uploads": 3, "max_bytes": 1000, "expires_at": end}
    assert created == {"token": "", "owner": "backend", "profile": "avatar", **limits}
    created = await mint(service, profile="avatar", max_uploads=3)
    assert created["max_bytes"] == 3 * 10 * MIB


async def test_a_back_end_mints_for_those_whom_its_token_names(service: ServiceHarness) -> None:
    answer = await service.ask("POST", "/v1/sessions", owner="backend", json={"owner": "user-7"})
    assert (answer.status, answer.json["owner"]) == (201, "user-7")
    for owner, asked in (("backend", "shop"), ("shop", "user-7"), ("backend", "user"), ("backend", "USER-7")):
        answer = await service.ask("POST", "/v1/sessions", owner=owner, json={"owner": asked})
        found = problem(answer)
        assert (found.status, found.code, found.field) == (403, "owner_forbidden", "owner")


async def test_a_profile_must_be_open_to_both(profiles: Profiles) -> None:
    """To the caller that creates the session, by token and by owner, and to the owner of the uploads."""
    avatar = profiles.profiles["avatar"].model_copy(update={"owners": ("backend", "user-1*")})
    scoped = profiles.profiles["avatar"].model_copy(update={"name": "scoped", "scopes": ("uploads:write",)})
    changed = {**profiles.profiles, "avatar": avatar, "scoped": scoped}
    async with ServiceHarness(settings(), profiles.model_copy(update={"profiles": changed})) as service:
        for owner, asked, status in (
            ("backend", {"profile": "avatar", "owner": "user-1"}, 201),
            ("backend", {"profile": "avatar", "owner": "user-2"}, 403),
            ("shop", {"profile": "avatar"}, 403),
            ("limited", {"profile": "default"}, 403),
            ("shop", {"profile": "scoped"}, 403),
            ("backend", {"profile": "scoped", "owner": "user-2"}, 201),
        ):
            answer = await service.ask("POST", "/v1/sessions", owner=owner, json=asked)
            assert answer.status == status
            assert status == 201 or problem(answer).code == "profile_forbidden"
        # The caller that created the session had the scope.
        assert (await (await page(service, profile="scoped")).create()).status == 201


@pytest.mark.parametrize(
    ("asked", "code", "field"),
    [
        ({"profile": "nope"}, "unknown_profile", "profile"),
        ({"owner": ""}, "invalid_fields", "owner"),
        ({"owner": "a\nb"}, "invalid_fields", "owner"),
        ({"owner": "a" * 129}, "invalid_fields", "owner"),
        ({"max_uploads": 0}, "invalid_fields", "max_uploads"),
        ({"max_uploads": 1_000_001}, "invalid_fields", "max_uploads"),
        ({"max_uploads": "1"}, "invalid_fields", "max_uploads"),
        ({"max_bytes": 0}, "invalid_fields", "max_bytes"),
        ({"max_bytes": 2**53}, "invalid_fields", "max_bytes"),
        ({"expires_in": 0}, "invalid_fields", "expires_in"),
        ({"expires_in": 86_401}, "invalid_fields", "expires_in"),
        ({"tenant": "other"}, "invalid_fields", "tenant"),
        ([], "invalid_fields", None),
    ],
)
async def test_what_breaks_a_rule_names_its_field(
    service: ServiceHarness, asked: Any, code: str, field: str | None
) -> None:
    found = problem(await service.ask("POST", "/v1/sessions", owner="backend", json=asked))
    assert (found.status, found.code, found.field) == (400, code, field)


async def test_the_largest_session_can_be_minted(service: ServiceHarness) -> None:
    owner = "user-" + "\U0001f600" * 123
    created = await mint(service, owner="backend", max_uploads=1_000_000, max_bytes=2**53 - 1)
    assert created["max_bytes"] == 2**53 - 1
    answer = await service.ask("POST", "/v1/sessions", owner="backend", json={"owner": owner})
    upload = await Page(service, answer.json["token"]).create()
    assert upload.status == 201


# --- spending ---


async def test_an_upload_is_its_owners_tenants_and_profiles(service: ServiceHarness) -> None:
    minted = await service.ask("POST", "/v1/sessions", owner="backend", json={"owner": "user-7", "profile": "avatar"})
    created = (await Page(service, minted.json["token"]).create()).json
    fields = created["upload"]["fields"]
    assert fields["x-amz-meta-owner"] == "user-7"
    assert fields["x-amz-meta-tenant"] == "acme"
    assert fields["x-amz-meta-profile"] == "avatar"
    assert (await service.ask("GET", created["links"]["self"], owner="backend")).status == 404


async def test_the_articles_contract_takes_a_session_and_its_profile(service: ServiceHarness) -> None:
    asking = await page(service, profile="avatar", max_bytes=500)
    answer = await asking.ask("GET", "/api/get-presigned-policy?filename=a.png")
    assert answer.json["fields"]["x-amz-meta-profile"] == "avatar"
    again = problem(await asking.ask("GET", "/api/get-presigned-policy?filename=a.png"))
    assert (again.status, again.code) == (403, "session_spent")


async def test_another_profile_is_forbidden(service: ServiceHarness) -> None:
    asking = await page(service, profile="avatar")
    assert problem(await asking.create(profile="default")).code == "profile_forbidden"
    assert (await asking.create(profile="avatar")).status == 201


async def test_uploads_end_with_the_session_and_the_refusal_says_what_it_allowed(service: ServiceHarness) -> None:
    asking = await page(service, max_uploads=2, max_bytes=1000)
    assert await asking.statuses(3, size=10) == [201, 201, 403]
    answer = await asking.create(size=10)
    found = problem(answer)
    assert found.code == "session_spent"
    assert "2 uploads of 1000 bytes in all" in found.detail
    assert "Retry-After" not in answer.headers


async def test_declared_bytes_end_with_the_session(service: ServiceHarness) -> None:
    asking = await page(service, max_uploads=10, max_bytes=1000)
    assert (await asking.create(size=600)).status == 201
    assert problem(await asking.create(size=401)).code == "session_spent"
    assert (await asking.create(size=400)).status == 201


async def test_an_undeclared_size_may_be_no_more_than_what_is_left(service: ServiceHarness) -> None:
    asking = await page(service, profile="avatar", max_uploads=10, max_bytes=12 * MIB)
    first, second = [(await asking.create()).json for _ in range(2)]
    assert ["content-length-range", 1, 10 * MIB] in conditions(first["upload"])
    assert ["content-length-range", 1, 2 * MIB] in conditions(second["upload"])
    assert (first["max_bytes"], second["max_bytes"]) == (10 * MIB, 2 * MIB)
    assert problem(await asking.create()).code == "session_spent"


async def test_too_few_bytes_for_the_profile_are_as_good_as_none(profiles: Profiles) -> None:
    """And no policy is signed that accepts no byte."""
    changed = {
        name: profiles.profiles["avatar"].model_copy(update={"name": name, "min_bytes": least})
        for name, least in (("default", 100), ("empty", 0))
    }
    async with ServiceHarness(settings(), profiles.model_copy(update={"profiles": changed})) as service:
        assert problem(await (await page(service, max_bytes=99)).create()).code == "session_spent"
        asking = await page(service, profile="empty", max_uploads=3, max_bytes=10)
        assert ["content-length-range", 0, 10] in conditions((await asking.create()).json["upload"])
        assert problem(await asking.create()).code == "session_spent"
        assert (await asking.create(size=0)).status == 201


async def test_what_is_refused_costs_nothing(service: ServiceHarness) -> None:
    asking = await page(service)
    assert (await asking.create(filename="a.html")).status == 415
    held, service.credentials.held = service.credentials.held, None
    assert (await asking.create()).status == 503
    service.credentials.held = held
    assert (await asking.create()).status == 201


async def test_where_spending_cannot_be_counted_nothing_is_signed(service: ServiceHarness) -> None:
    asking = await page(service)
    service.sessions.error = Unavailable("dynamodb", "away")
    answer = await asking.create()
    assert (answer.status, problem(answer).code) == (503, "dependency_unavailable")
    assert answer.headers["Retry-After"]
    assert b"x-amz-signature" not in answer.body
    service.sessions.error = None
    assert (await asking.create()).status == 201


# --- what a session may do ---


async def test_a_page_follows_and_withdraws_uploads_by_their_id(service: ServiceHarness) -> None:
    asking = await page(service)
    created = (await asking.create()).json
    assert (await asking.ask("GET", created["links"]["self"])).json["state"] == "awaiting_upload"
    service.records.put(accepted(created["id"], owner="backend"))
    assert (await asking.ask("GET", created["links"]["self"] + "?wait=20")).json["state"] == "accepted"
    assert (await asking.ask("DELETE", created["links"]["self"])).status == 202


async def test_a_page_withdraws_only_what_its_own_session_created(service: ServiceHarness) -> None:
    """Not what its owner's back end uploaded, nor what another page did, though it may read them."""
    mine, other = await page(service), await page(service)
    for created in ((await other.create()).json, await service.create(owner="backend")):
        path = created["links"]["self"]
        answer = await mine.ask("DELETE", path)
        assert (answer.status, answer.json["code"]) == (403, "session_forbidden")
        assert (await mine.ask("GET", path)).json["state"] == "awaiting_upload"
    assert service.records.withdrawals == []
    assert service.queue.sent == []


async def test_someone_elses_upload_does_not_exist(service: ServiceHarness) -> None:
    created = await service.create(owner="shop")
    asking = await page(service)
    assert (await asking.ask("GET", created["links"]["self"])).status == 404
    assert (await asking.ask("DELETE", created["links"]["self"])).status == 404


@pytest.mark.parametrize(
    "operation",
    [each for each in OPERATIONS if not (each.public or each.sessions)],
    ids=lambda each: f"{each.method} {each.path}",
)
async def test_all_else_is_forbidden(service: ServiceHarness, operation: Any) -> None:
    asking = await page(service)
    answer = await asking.ask(operation.method, operation.path.replace("{id}", "x"))
    found = problem(answer)
    assert (found.status, found.code) == (403, "session_forbidden")


def test_only_uploads_are_open_to_sessions() -> None:
    """Every new call in the table is forbidden to sessions unless it says otherwise."""
    assert {(each.method, each.path) for each in OPERATIONS if each.sessions} == {
        ("POST", "/v1/uploads"),
        ("GET", "/v1/uploads/{id}"),
        ("DELETE", "/v1/uploads/{id}"),
        ("GET", "/api/get-presigned-policy"),
    }


async def test_the_document_says_who_may_call_what(service: ServiceHarness) -> None:
    document = (await service.ask("GET", "/openapi.json", owner=None)).json
    calls = document["paths"]["/v1/uploads"]
    assert calls["post"]["security"] == [{"token": []}, {"session": []}]
    assert calls["get"]["security"] == [{"token": []}]
    described = document["paths"]["/v1/sessions"]["post"]["responses"]["403"]["description"]
    assert all(f"`{code}`" in described for code in ("session_forbidden", "owner_forbidden", "profile_forbidden"))
    assert "`session_spent`" in document["paths"]["/v1/uploads"]["post"]["responses"]["403"]["description"]
    assert set(document["components"]["securitySchemes"]) == {"token", "session"}
    assert CATALOGUE["session_spent"].status == 403


# --- its token ---


async def test_a_session_that_has_ended_is_unknown(service: ServiceHarness) -> None:
    asking = await page(service, max_uploads=5, expires_in=60)
    service.clock.advance(59)
    assert (await asking.create()).status == 201
    service.clock.advance(1)
    answer = await asking.create()
    assert (answer.status, problem(answer).code) == (401, "unauthenticated")


async def test_a_token_that_was_changed_or_made_up_is_unknown(service: ServiceHarness) -> None:
    token = (await mint(service))["token"]
    changed = token[:-2] + ("BB" if token.endswith("AA") else "AA")
    for wrong in (changed, token + "=", token[:-1], TOKEN_PREFIX, TOKEN_PREFIX + "A" * 200):
        assert (await Page(service, wrong).create()).status == 401
    assert (await Page(service, token).create()).status == 201


async def test_secrets_can_be_rotated_under_a_session(profiles: Profiles) -> None:
    old, new = SecretStr(SECRET), SecretStr("second-secret-" + "0" * 32)
    async with ServiceHarness(settings(secrets=[old]), profiles) as before:
        token = (await mint(before))["token"]
    async with ServiceHarness(settings(secrets=[new, old]), profiles) as rotating:
        assert (await Page(rotating, token).create()).status == 201
    async with ServiceHarness(settings(secrets=[new]), profiles) as after:
        assert (await Page(after, token).create()).status == 401


async def test_the_log_names_the_session_and_never_its_token(service: ServiceHarness) -> None:
    token = (await mint(service))["token"]
    await Page(service, token).create()
    await Page(service, token).ask("GET", "/v1/uploads")
    minted, created, refused = (orjson.loads(line) for line in service.lines)
    assert minted["owner"] == created["owner"] == "backend"
    assert len(minted["session"]) == 32
    assert minted["session"] == created["session"] == refused["session"]
    assert refused["status"] == 403
    assert token.removeprefix(TOKEN_PREFIX)[:20].encode() not in b"".join(service.lines)


# --- end to end ---


async def test_a_page_without_a_login_uploads_within_its_sessions_limits(deployment: AwsSettings) -> None:
    """The back end creates the session and the page uploads. S3 refuses one byte more, the service the next upload."""
    async with deployed_service(deployment) as service:
        minted = await service.ask(
            "POST",
            "/v1/sessions",
            owner="backend",
            json={"owner": "user-7", "profile": "avatar", "max_uploads": 2, "max_bytes": len(CONTENT) + 4},
        )
        asking = Page(service, minted.json["token"])
        exact, rest = (await asking.create(size=len(CONTENT))).json, (await asking.create()).json
        assert rest["max_bytes"] == 4
        for form in (exact["upload"], rest["upload"]):
            too_much = await post_form(service.http, form["url"], form["fields"], CONTENT + b"!")
            assert too_much == (400, "EntityTooLarge")
        assert await service.stored() == []
        form = exact["upload"]
        assert await post_form(service.http, form["url"], form["fields"], CONTENT) == (204, "")
        assert await service.stored() == [form["fields"]["key"]]
        assert problem(await asking.create()).code == "session_spent"
        status = await asking.ask("GET", exact["links"]["self"])
        assert (status.status, status.json["state"]) == (200, "awaiting_upload")
        assert (await service.ask("GET", "/v1/uploads", owner="backend")).json["uploads"] == []
