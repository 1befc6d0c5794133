"""Ready means: credentials that sign, and a DynamoDB that responds."""

import asyncio
from datetime import UTC, datetime

import pytest

from airlock.errors import Unavailable
from airlock.policy import Credentials
from airlock.profiles import Profiles
from service import health
from service.health import READINESS, REUSE_SECONDS
from service.models.responses import Health
from service.timeouts import with_timeout
from tests.service.fakes import START
from tests.service.harness import ServiceHarness, settings


async def test_a_service_that_has_what_it_needs_is_ready(service: ServiceHarness) -> None:
    for path in ("/healthz", "/readyz"):
        answer = await service.ask("GET", path, owner=None)
        assert answer.status == 200
        assert Health.model_validate_json(answer.body).status == "ok"


async def test_without_records_it_is_not_ready_but_alive(service: ServiceHarness) -> None:
    service.records.error = Unavailable("dynamodb", "away")
    answer = await service.ask("GET", "/readyz", owner=None)
    assert answer.status == 503
    assert Health.model_validate_json(answer.body).away == ["dynamodb"]
    assert (await service.ask("GET", "/healthz", owner=None)).status == 200
    service.records.error = None
    service.clock.advance(REUSE_SECONDS)
    assert (await service.ask("GET", "/readyz", owner=None)).status == 200


@pytest.mark.parametrize("held", [None, Credentials("AKIA", "secret", "session", datetime.fromtimestamp(START, UTC))])
async def test_without_usable_credentials_it_is_not_ready(service: ServiceHarness, held: Credentials | None) -> None:
    service.credentials.held = held
    answer = await service.ask("GET", "/readyz", owner=None)
    assert (answer.status, answer.json["away"]) == (503, ["credentials"])


async def test_many_probes_cost_one_read(service: ServiceHarness) -> None:
    await asyncio.gather(*(service.ask("GET", "/readyz", owner=None) for _ in range(20)))
    assert service.records.pings == 1


async def test_records_that_never_respond_are_unavailable(
    service: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(health, "PROBE_TIMEOUT_SECONDS", 0.01)
    monkeypatch.setattr(service.records, "ping", hang)
    assert (await service.ask("GET", "/readyz", owner=None)).json["away"] == ["dynamodb"]


async def test_a_dependency_that_hangs_is_unavailable_in_bounded_time() -> None:
    with pytest.raises(Unavailable, match=r"dynamodb: no response within 0\.01 s"):
        await with_timeout("dynamodb", asyncio.Event().wait(), seconds=0.01)


async def test_a_service_that_stops_is_not_ready_while_it_still_serves(profiles: Profiles) -> None:
    service = ServiceHarness(settings(unready_seconds=5), profiles)
    async with service:
        leaving = asyncio.create_task(service._stack.aclose())
        await service.clock.asleep(1)
        # The client's session is closed; the server still listens.
        assert await service.app[READINESS].unavailable() == ["service"]
        service.clock.advance(5)
        await leaving
