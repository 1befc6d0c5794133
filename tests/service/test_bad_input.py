"""Any bad input gets a problem that names the field and the rule, and never a 5xx."""

import base64
import gzip
from typing import Any

import aiohttp
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airlock.errors import CATALOGUE
from airlock.intent import MAX_FILENAME_CHARACTERS
from airlock.profiles import Profiles
from service.models.problems import CONTENT_TYPE, Problem
from service.models.requests import MAX_BODY, MAX_PROBLEMS
from tests.service.harness import TOKENS, Answer, ServiceHarness
from tests.service.harness import settings as service_settings

MIB = 1024**2


def problem(answer: Answer) -> Problem:
    """The problem in a response, held to its model."""
    found = Problem.model_validate_json(answer.body)
    entry = CATALOGUE[found.code]
    assert (answer.status, found.status, found.title) == (entry.status, entry.status, entry.title)
    assert answer.headers["Content-Type"] == CONTENT_TYPE
    assert answer.headers["X-Request-Id"] == found.request_id
    return found


async def refused(service: ServiceHarness, body: Any, *, owner: str | None = "shop") -> Problem:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return problem(await service.ask("POST", "/v1/uploads", owner=owner, data=data))


@pytest.mark.parametrize(
    ("fields", "code", "field", "message"),
    [
        pytest.param({"profile": "nope"}, "unknown_profile", "profile", "avatar", id="unknown profile"),
        pytest.param({"profile": 5}, "invalid_fields", "profile", "string", id="profile of another kind"),
        pytest.param({"filename": ""}, "invalid_filename", "filename", "empty", id="empty name"),
        pytest.param({"filename": "  "}, "invalid_filename", "filename", "empty", id="blank name"),
        pytest.param({"filename": "a" * 252 + ".png"}, "invalid_filename", "filename", "255", id="long name"),
        pytest.param(
            {"filename": "\U0001f600" * 250 + ".png"}, "invalid_filename", "filename", "1024", id="long bytes"
        ),
        pytest.param({"filename": "a\nb.png"}, "invalid_filename", "filename", "control", id="line break"),
        pytest.param({"filename": "a\x00.png"}, "invalid_filename", "filename", "control", id="null"),
        pytest.param({"filename": 5}, "invalid_filename", "filename", "string", id="name of another kind"),
        pytest.param({"filename": None}, "invalid_filename", "filename", "string", id="no name"),
        pytest.param({"content_type": "text/html"}, "content_type_not_allowed", "content_type", "image/png", id="type"),
        pytest.param({"content_type": "image/$x"}, "invalid_content_type", "content_type", "type/subtype", id="dollar"),
        pytest.param({"content_type": "png"}, "invalid_content_type", "content_type", "type/subtype", id="no type"),
        pytest.param({"content_type": ["a/b"]}, "invalid_content_type", "content_type", "string", id="list of types"),
        pytest.param({"size": 0}, "size_too_small", "size", "1 to 104857600", id="below the profile"),
        pytest.param({"size": -1}, "size_too_small", "size", "0", id="negative"),
        pytest.param({"size": 100 * MIB + 1}, "size_too_large", "size", "104857600", id="above the profile"),
        pytest.param({"size": 2**53}, "size_too_large", "size", str(2**53 - 1), id="above JSON"),
        pytest.param({"size": "5"}, "invalid_fields", "size", "integer", id="size as text"),
        pytest.param({"size": 5.0}, "invalid_fields", "size", "integer", id="size as a float"),
        pytest.param({"size": True}, "invalid_fields", "size", "integer", id="size as a truth"),
        pytest.param({"sha256": "ab"}, "invalid_sha256", "sha256", "64 hexadecimal", id="short checksum"),
        pytest.param({"sha256": "g" * 64}, "invalid_sha256", "sha256", "64 hexadecimal", id="no hexadecimal"),
        pytest.param(
            {"sha256": base64.b64encode(b"x" * 31).decode()}, "invalid_sha256", "sha256", "32 bytes", id="31 bytes"
        ),
        pytest.param({"sha256": 5}, "invalid_sha256", "sha256", "string", id="checksum of another kind"),
        pytest.param({"metadata": {"note": 5}}, "invalid_metadata", "metadata.note", "string", id="metadata no text"),
        pytest.param({"metadata": "x"}, "invalid_metadata", "metadata", "object", id="metadata no object"),
        pytest.param(
            {"metadata": {"other": "x"}}, "invalid_metadata", "metadata.other", "reference", id="unknown name"
        ),
        pytest.param({"metadata": {"note": "a\rb"}}, "invalid_metadata", "metadata.note", "control", id="control"),
        pytest.param({"metadata": {"note": "x" * 513}}, "invalid_metadata", "metadata.note", "512", id="long text"),
        pytest.param({"metadata": {f"a{n}": "" for n in range(51)}}, "invalid_metadata", "metadata", "50", id="many"),
        pytest.param({"colour": "red"}, "invalid_fields", "colour", "filename", id="unknown field"),
    ],
)
async def test_a_field_that_breaks_a_rule_is_named_with_the_rule(
    service: ServiceHarness, fields: dict[str, Any], code: str, field: str, message: str
) -> None:
    found = await refused(service, {"filename": "a.png", **fields})
    assert (found.code, found.field) == (code, field)
    assert message in found.detail
    assert found.errors is None or found.errors[0].field == field


@pytest.mark.parametrize("size", [1, 2, 100 * MIB - 1, 100 * MIB])
async def test_sizes_within_the_limits_are_taken(service: ServiceHarness, size: int) -> None:
    assert (await service.create(size=size))["max_bytes"] == size


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.txt", "/root/a.pdf", "..\\a.png", "a" * (MAX_FILENAME_CHARACTERS - 4) + ".png"]
)
async def test_odd_names_are_kept_as_names(service: ServiceHarness, name: str) -> None:
    created = await service.create(filename=name)
    assert created["upload"]["fields"]["key"] == f"incoming/{created['id']}"


async def test_every_broken_rule_is_reported_at_once(service: ServiceHarness) -> None:
    found = await refused(service, {"filename": "", "size": 0, "sha256": "x", "content_type": "text/html"})
    assert [each.field for each in found.errors or ()] == ["filename", "content_type", "size", "sha256"]
    found = await refused(service, {"filename": 1, "size": "x", "other": 1})
    assert {each.field for each in found.errors or ()} == {"filename", "size", "other"}


async def test_the_list_of_broken_rules_is_bounded(service: ServiceHarness) -> None:
    found = await refused(service, {"filename": "a.png", **{f"{n:04}" + "x" * 100: 1 for n in range(300)}})
    assert len(found.errors or ()) == MAX_PROBLEMS
    assert all(len(each.field) <= 64 for each in found.errors or ())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"filename": "a.png"',
        b'{"filename": "\xff.png"}',
        b'{"filename": "\\ud800.png"}',
        b"[" * 5000,
    ],
)
async def test_what_is_not_json_is_said_to_be_so(service: ServiceHarness, body: bytes) -> None:
    assert (await refused(service, body)).code == "invalid_json"


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"5", b"null"])
async def test_json_that_is_no_object_is_refused(service: ServiceHarness, body: bytes) -> None:
    found = await refused(service, body)
    assert (found.code, found.field) == ("invalid_fields", None)
    assert "object" in found.detail


async def test_a_body_above_64_kib_is_not_read(service: ServiceHarness) -> None:
    padding = MAX_BODY - len(orjson.dumps({"filename": "a.png", "pad": ""}))
    assert (await refused(service, {"filename": "a.png", "pad": "x" * padding})).field == "pad"
    found = await refused(service, {"filename": "a.png", "pad": "x" * (padding + 1)})
    assert found.code == "body_too_large"
    assert str(MAX_BODY) in found.detail


async def test_a_small_body_that_unfolds_to_a_large_one_is_not_read(service: ServiceHarness) -> None:
    answer = await service.ask(
        "POST", "/v1/uploads", data=gzip.compress(b" " * 10 * MIB), headers={"Content-Encoding": "gzip"}
    )
    assert problem(answer).code == "body_too_large"


async def test_a_body_that_is_not_encoded_as_it_says_is_refused(service: ServiceHarness) -> None:
    answer = await service.ask("POST", "/v1/uploads", data=b"not gzip", headers={"Content-Encoding": "gzip"})
    assert problem(answer).code == "bad_request"


async def test_metadata_beyond_what_s3_stores_is_refused(profiles: Profiles) -> None:
    """Each value is within its limit, but all together are not."""
    names = tuple(f"n{number}" for number in range(5))
    wide = profiles.get(None).model_copy(update={"metadata": names})
    changed = profiles.model_copy(update={"profiles": {"default": wide}})
    async with ServiceHarness(service_settings(), changed) as service:
        found = await refused(service, {"filename": "a.png", "metadata": dict.fromkeys(names, "x" * 500)})
    assert (found.code, found.field) == ("invalid_metadata", "metadata")
    assert "2048" in found.detail


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Basic c2hvcDp4",
        f"Token {TOKENS['shop']}",
        "Bearer \u00e9\u00e9",
        "bearer",
    ],
)
async def test_without_a_known_token_every_call_is_refused(service: ServiceHarness, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    for method, path in (("POST", "/v1/uploads"), ("GET", "/v1/uploads"), ("GET", "/api/get-presigned-policy")):
        answer = await service.ask(method, path, owner=None, headers=headers, data=b"{")
        assert problem(answer).code == "unauthenticated"
        sent = (header or "").partition("Bearer ")[2] != ""
        assert answer.headers["WWW-Authenticate"] == ('Bearer error="invalid_token"' if sent else "Bearer")


async def test_a_profile_that_is_not_the_tokens_is_forbidden(service: ServiceHarness) -> None:
    found = await refused(service, {"filename": "a.png"}, owner="limited")
    assert (found.code, found.field) == ("profile_forbidden", "profile")
    assert (await service.create(owner="limited", profile="avatar"))["id"]


async def test_a_profile_that_is_not_the_owners_is_forbidden(profiles: Profiles) -> None:
    closed = profiles.get(None).model_copy(update={"owners": ("press*",)})
    changed = profiles.model_copy(update={"profiles": {"default": closed}})
    async with ServiceHarness(service_settings(), changed) as service:
        assert (await refused(service, {"filename": "a.png"})).code == "profile_forbidden"
        assert (await service.create(owner="press"))["id"]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/nothing", "not_found"),
        ("GET", "/v1/uploads/", "not_found"),
        ("GET", "//v1/uploads", "not_found"),
        ("PUT", "/v1/uploads", "method_not_allowed"),
        ("POST", "/healthz", "method_not_allowed"),
        ("PATCH", "/v1/uploads", "method_not_allowed"),
    ],
)
async def test_what_is_not_served_is_a_problem_too(service: ServiceHarness, method: str, path: str, code: str) -> None:
    answer = await service.ask(method, path)
    assert problem(answer).code == code
    assert ("Allow" in answer.headers) == (code == "method_not_allowed")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
NAMES = ["profile", "filename", "content_type", "size", "sha256", "metadata"]
BODIES = (
    st.binary(max_size=200)
    | JSON.map(lambda value: orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS) if _fits(value) else b"")
    | st.dictionaries(st.sampled_from(NAMES), JSON).map(lambda value: orjson.dumps(value) if _fits(value) else b"")
    | st.builds(lambda name, more: orjson.dumps({"filename": name, **more}), st.text(), st.just({}))
)


def _fits(value: object) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


@pytest.mark.long
@settings(max_examples=3 * settings().max_examples, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES)
async def test_no_body_is_answered_with_a_5xx(service: ServiceHarness, body: bytes) -> None:
    answer = await service.ask("POST", "/v1/uploads", data=body)
    if answer.status != 201:
        assert 400 <= problem(answer).status < 500


@pytest.mark.long
@settings(max_examples=settings().max_examples * 3 // 2, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60), st.dictionaries(st.sampled_from(["wait", "state", "limit", "cursor", "x"]), st.text()))
async def test_no_path_or_query_is_answered_with_a_5xx(
    service: ServiceHarness, path: str, query: dict[str, str]
) -> None:
    try:
        answer = await service.ask("GET", "/v1/uploads", params=query)
        assert answer.status < 500
        answer = await service.ask("GET", f"/v1/uploads/{path}")
        assert answer.status < 500
    except (aiohttp.InvalidURL, UnicodeEncodeError):
        return  # the client cannot send that
