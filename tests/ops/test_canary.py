"""`airlock canary`: exit 0 when both test files get the right verdict, and exit 1 in every other case."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.ops.terminal import Dev, airlock


@pytest.mark.server
async def test_two_right_verdicts_are_exit_0_and_a_metric(airlock_dev: Dev, tmp_path: Path) -> None:
    metrics = tmp_path / "airlock.prom"
    ran = await airlock("canary", "--service", airlock_dev.address, "--metrics", metrics)
    assert ran.code == 0, ran
    assert "✓ harmless  accepted after " in ran.out
    assert "✓ eicar     infected after " in ran.out
    assert 'airlock_canary_right{kind="harmless"} 1\n' in metrics.read_text()
    assert 'airlock_canary_right{kind="eicar"} 1\n' in metrics.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["airlock.prom"]


@contextlib.asynccontextmanager
async def fake_service(state: str) -> AsyncIterator[str]:
    """A service in which every upload is in this state; its address."""
    upload = {"id": "1", "state": state}

    async def create(request: web.Request) -> web.Response:
        form = {"url": str(request.url.with_path("/s3")), "fields": {"key": "k"}}
        return web.json_response({**upload, "upload": form}, status=201)

    async def store(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=204)

    async def get(request: web.Request) -> web.Response:
        await asyncio.sleep(0.1 if "wait" in request.query else 0)
        return web.json_response(upload)

    app = web.Application()
    app.add_routes([web.post("/v1/uploads", create), web.post("/s3", store)])
    app.add_routes([web.get("/v1/uploads/1", get), web.delete("/v1/uploads/1", get)])
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.mark.server
async def test_a_service_that_accepts_everything_is_exit_1(tmp_path: Path) -> None:
    metrics = tmp_path / "airlock.prom"
    async with fake_service("accepted") as address:
        ran = await airlock("canary", "--service", address, "--metrics", metrics, "--json")
    assert ran.code == 1, ran
    found = {probe["kind"]: (probe["state"], probe["right"]) for probe in json.loads(ran.out)}
    assert found == {"harmless": ("accepted", True), "eicar": ("accepted", False)}
    assert 'airlock_canary_right{kind="eicar"} 0\n' in metrics.read_text()


@pytest.mark.server
async def test_a_service_without_workers_is_exit_1() -> None:
    async with fake_service("awaiting_upload") as address:
        ran = await airlock("canary", "--service", address, "--timeout", "1")
    assert ran.code == 1, ran
    assert "✗ harmless  none after 1." in ran.out
    assert "s, expected accepted\n  no verdict within 1 s\n" in ran.out


@pytest.mark.server
async def test_a_service_that_cannot_be_reached_is_exit_1() -> None:
    ran = await airlock("canary", "--service", "http://127.0.0.1:9")
    assert ran.code == 1, ran
    assert "gave no valid response" in ran.out
