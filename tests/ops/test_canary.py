"""ops.canary: it is content when the two objects are told apart, and says so loudly when they are not."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.ops.terminal import Dev, airlock


@pytest.mark.server
async def test_told_apart_is_exit_0_and_a_metric(airlock_dev: Dev, tmp_path: Path) -> None:
    metrics = tmp_path / "airlock.prom"
    ran = await airlock("canary", "--service", airlock_dev.address, "--metrics", metrics)
    assert ran.code == 0, ran
    assert "✓ harmless  accepted after " in ran.out
    assert "✓ eicar     infected after " in ran.out
    assert 'airlock_canary_right{kind="harmless"} 1\n' in metrics.read_text()
    assert 'airlock_canary_right{kind="eicar"} 1\n' in metrics.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["airlock.prom"]


@pytest.fixture
async def credulous() -> AsyncIterator[str]:
    """A service that accepts whatever comes."""
    told = {"id": "1", "state": "accepted"}

    async def create(request: web.Request) -> web.Response:
        form = {"url": str(request.url.with_path("/s3")), "fields": {"key": "k"}}
        return web.json_response({**told, "upload": form}, status=201)

    async def store(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=204)

    async def tell(_: web.Request) -> web.Response:
        return web.json_response(told)

    app = web.Application()
    app.add_routes([web.post("/v1/uploads", create), web.post("/s3", store)])
    app.add_routes([web.get("/v1/uploads/1", tell), web.delete("/v1/uploads/1", tell)])
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.mark.server
async def test_a_service_that_accepts_everything_is_exit_1(credulous: str, tmp_path: Path) -> None:
    metrics = tmp_path / "airlock.prom"
    ran = await airlock("canary", "--service", credulous, "--metrics", metrics, "--json")
    assert ran.code == 1, ran
    found = {probe["kind"]: (probe["state"], probe["right"]) for probe in json.loads(ran.out)}
    assert found == {"harmless": ("accepted", True), "eicar": ("accepted", False)}
    assert 'airlock_canary_right{kind="eicar"} 0\n' in metrics.read_text()


@pytest.mark.server
async def test_no_service_is_exit_1_and_says_so() -> None:
    ran = await airlock("canary", "--service", "http://127.0.0.1:9")
    assert ran.code == 1, ran
    assert "gave no valid response" in ran.out
