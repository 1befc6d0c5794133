"""Request ids and CORS."""

import pytest

from airlock.profiles import Profiles
from tests.service.harness import ServiceHarness, settings

PAGE = "https://app.example.com"


@pytest.mark.parametrize("given", ["a", "req-1_2.3:4/5+6=@", "Root=1-67891233-abcdef012345678912345678", "x" * 128])
async def test_a_sane_request_id_is_kept(service: ServiceHarness, given: str) -> None:
    answer = await service.ask("GET", "/nothing", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] == answer.json["request_id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", 'a"b', "a\u00e9", "<script>"])
async def test_an_odd_request_id_is_replaced(service: ServiceHarness, given: str) -> None:
    answer = await service.ask("GET", "/healthz", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] not in ("", given)


async def test_no_two_requests_share_an_id(service: ServiceHarness) -> None:
    ids = {(await service.ask("GET", "/healthz")).headers["X-Request-Id"] for _ in range(5)}
    assert len(ids) == 5


async def test_without_configuration_no_other_page_is_let_in(service: ServiceHarness) -> None:
    preflight = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    answer = await service.ask("OPTIONS", "/v1/uploads", headers=preflight)
    assert answer.status == 405
    assert not [name for name in answer.headers if name.startswith("Access-Control")]


async def test_a_preflight_of_a_configured_page_is_allowed(profiles: Profiles) -> None:
    async with ServiceHarness(settings(cors_origins=[PAGE]), profiles) as service:
        asked = {"Origin": PAGE, "Access-Control-Request-Method": "DELETE"}
        answer = await service.ask("OPTIONS", "/v1/uploads/x", owner=None, headers=asked)
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert answer.headers["Vary"] == "Origin"
    assert "DELETE" in answer.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_headers_of_tracing_may_be_sent_and_others_named(profiles: Profiles) -> None:
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    for headers, sent in (
        ({}, ["traceparent", "baggage", "sentry-trace"]),
        ({"cors_headers": ["X-Tenant"]}, ["X-Tenant"]),
    ):
        async with ServiceHarness(settings(cors_origins=[PAGE], **headers), profiles) as service:
            answer = await service.ask("OPTIONS", "/v1/uploads", owner=None, headers=asked)
        allowed = answer.headers["Access-Control-Allow-Headers"].split(", ")
        assert {"Authorization", "Content-Type", *sent} <= set(allowed)


async def test_a_preview_deployment_and_an_app_are_let_in(profiles: Profiles) -> None:
    patterns = ["https://*.preview.example.com", "capacitor://localhost"]
    async with ServiceHarness(settings(cors_origins=patterns), profiles) as service:
        for origin in ("https://pr-7.preview.example.com", "capacitor://localhost"):
            answer = await service.ask("GET", "/v1/profiles", headers={"Origin": origin})
            assert answer.headers["Access-Control-Allow-Origin"] == origin
            assert answer.headers["Vary"] == "Origin"


async def test_a_configured_page_can_read_a_new_upload(profiles: Profiles) -> None:
    async with ServiceHarness(settings(cors_origins=[PAGE]), profiles) as service:
        answer = await service.ask("POST", "/v1/uploads", json={"filename": "a.png"}, headers={"Origin": PAGE})
    assert answer.status == 201
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert answer.headers["Vary"] == "Origin"
    assert answer.headers["Location"] == answer.json["links"]["self"]


async def test_a_page_that_is_not_configured_gets_no_permission(profiles: Profiles) -> None:
    async with ServiceHarness(settings(cors_origins=[PAGE]), profiles) as service:
        asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        refused = await service.ask("OPTIONS", "/v1/uploads", owner=None, headers=asked)
        plain = await service.ask("GET", "/v1/uploads", headers={"Origin": "https://evil.example"})
    for answer in (refused, plain):
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Vary"] == "Origin"


async def test_problems_can_be_read_by_a_configured_page(profiles: Profiles) -> None:
    async with ServiceHarness(settings(cors_origins=[PAGE]), profiles) as service:
        answer = await service.ask("GET", "/nothing", owner=None, headers={"Origin": PAGE})
    assert answer.status == 404
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert "X-Request-Id" in answer.headers["Access-Control-Expose-Headers"]


async def test_any_page_can_be_let_in(profiles: Profiles) -> None:
    async with ServiceHarness(settings(cors_origins=["*"]), profiles) as service:
        answer = await service.ask("GET", "/healthz", headers={"Origin": PAGE})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Vary" not in answer.headers
