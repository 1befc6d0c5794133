"""Ready means: credentials that sign. What else is unavailable is told."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import pytest

from airlock.errors import Unavailable
from airlock.origins import Origins
from airlock.policy import Credentials
from airlock.profiles import Profiles
from aws.dependencies import Dependencies
from service import health
from service.app_keys import PORTS
from service.health import READINESS, Readiness, Report
from service.identity.callers import Callers, OidcTokens
from service.identity.local_pages import LocalPages
from service.identity.tokens import StaticTokens
from service.models.responses import Health
from service.timeouts import with_timeout
from tests.service.fakes import START
from tests.service.harness import ServiceHarness, settings, tokens_file


async def test_a_service_that_has_what_it_needs_is_ready(service: ServiceHarness) -> None:
    for path in ("/healthz", "/readyz"):
        answer = await service.ask("GET", path, owner=None)
        assert answer.status == 200
        assert Health.model_validate_json(answer.body).status == "ok"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json"])
async def test_head_is_answered_as_get_is(service: ServiceHarness, path: str) -> None:
    get, head = [await service.ask(method, path, owner=None) for method in ("GET", "HEAD")]
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


async def test_without_records_it_still_signs_and_tells_so(service: ServiceHarness) -> None:
    service.records.error = Unavailable("dynamodb", "cannot be reached")
    await service.dependencies.close()
    with pytest.raises(Unavailable):
        await service.dependencies.ask()
    answer = await service.ask("GET", "/readyz", owner=None)
    assert (answer.status, answer.json) == (200, {"status": "ok", "away": ["dynamodb"]})
    assert Health.model_validate_json(answer.body).away == ["dynamodb"]
    await service.create()
    service.records.error = None
    assert (await service.ask("GET", "/readyz", owner=None)).json == {"status": "ok", "away": []}


@pytest.mark.parametrize("held", [None, Credentials("AKIA", "secret", "session", datetime.fromtimestamp(START, UTC))])
async def test_without_usable_credentials_it_is_not_ready(service: ServiceHarness, held: Credentials | None) -> None:
    service.credentials.held = held
    answer = await service.ask("GET", "/readyz", owner=None)
    assert (answer.status, answer.json["away"]) == (503, ["credentials"])


async def test_many_probes_cost_one_read(service: ServiceHarness) -> None:
    await asyncio.gather(*(service.ask("GET", "/readyz", owner=None) for _ in range(20)))
    assert service.records.pings == 1


async def test_a_probe_does_not_wait_for_a_slow_table(service: ServiceHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    let = asyncio.Event()
    monkeypatch.setattr(health, "PROBE_SECONDS", 0.01)
    monkeypatch.setattr(service, "dependencies", Dependencies({"table": let.wait}))
    ports = replace(service.app[PORTS], dependencies=service.dependencies)
    monkeypatch.setattr(service.app[READINESS], "_ports", ports)
    assert (await service.ask("GET", "/readyz", owner=None)).json == {"status": "ok", "away": []}
    await service.dependencies.close()


async def test_a_change_is_logged_once_with_its_resource_and_cause(
    service: ServiceHarness, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    held = service.credentials.held
    for credentials in (None, None, held, held):
        service.credentials.held = credentials
        await service.ask("GET", "/readyz", owner=None)
    said = [(each.message, vars(each)["resource"]) for each in caplog.records if "resource" in vars(each)]
    assert said == [
        ("unavailable: credentials: there are none that sign", "credentials"),
        ("available again: credentials", "credentials"),
    ]


async def test_a_dependency_that_hangs_is_unavailable_in_bounded_time() -> None:
    with pytest.raises(Unavailable, match=r"dynamodb: no response within 0\.01 s"):
        await with_timeout("dynamodb", asyncio.Event().wait(), seconds=0.01)


async def test_a_service_that_stops_is_not_ready_while_it_still_serves(profiles: Profiles) -> None:
    service = ServiceHarness(settings(unready_seconds=5), profiles)
    async with service:
        leaving = asyncio.create_task(service._stack.aclose())
        await service.clock.asleep(2)
        # The client's session is closed; the server still listens.
        assert (await service.app[READINESS].report()).needed == ["service"]
        service.clock.advance(5)
        await leaving


@pytest.mark.parametrize(
    ("static", "anonymous", "needed"), [(False, False, True), (False, True, False), (True, False, False)]
)
async def test_keys_of_the_provider_are_needed_where_no_other_caller_is_known(
    service: ServiceHarness, static: bool, anonymous: bool, needed: bool
) -> None:
    class NoKeys:
        def is_available(self) -> bool:
            return False

    tokens = StaticTokens.load(tokens_file()) if static else StaticTokens({})
    callers = Callers(tokens, cast(OidcTokens, NoKeys()), anonymous=LocalPages(Origins([])) if anonymous else None)
    report = await Readiness(service.app[PORTS], callers).report()
    assert report == (Report(["oidc"], []) if needed else Report([], ["oidc"]))
