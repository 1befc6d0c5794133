from dataclasses import asdict

import aiohttp
import pytest

from workers import health
from workers.health import Report


async def _ask(method: str, port: int, path: str) -> tuple[int, object]:
    url = f"http://127.0.0.1:{port}{path}"
    async with aiohttp.ClientSession() as session, session.request(method, url) as answer:
        return answer.status, await answer.json() if method == "GET" else None


@pytest.mark.parametrize(
    ("report", "status"),
    [
        (Report([], [], []), 200),
        (Report([], ["this worker has no profile 'new'"], ["landlock"]), 200),
        (Report(["clamd: cannot be reached"], [], []), 503),
    ],
)
async def test_a_worker_is_alive_and_says_whether_it_is_ready_and_why_not(report: Report, status: int) -> None:
    async def ready() -> Report:
        return report

    async with health.serving("127.0.0.1", 0, ready) as port:
        assert await _ask("GET", port, "/healthz") == (200, {"alive": True})
        said = {"ready": status == 200, **asdict(report)}
        assert await _ask("GET", port, "/readyz") == (status, said)
        assert await _ask("HEAD", port, "/readyz") == (status, None)


async def test_no_response_names_a_version() -> None:
    async def ready() -> Report:
        return Report([], [], [])

    async with (
        health.serving("127.0.0.1", 0, ready) as port,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/healthz") as answer,
    ):
        assert answer.headers["Server"] == "airlock"
