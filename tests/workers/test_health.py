import aiohttp

from airlock.errors import Unavailable
from workers import health


async def _get(port: int, path: str) -> tuple[int, object]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.json()


async def test_alive_and_ready() -> None:
    async def ready() -> None:
        return

    async with health.serving("127.0.0.1", 0, ready) as port:
        assert await _get(port, "/healthz") == (200, {"alive": True})
        assert await _get(port, "/readyz") == (200, {"ready": True})


async def test_alive_but_not_ready_says_why() -> None:
    async def ready() -> None:
        raise Unavailable("clamd", "cannot be reached")

    async with health.serving("127.0.0.1", 0, ready) as port:
        assert (await _get(port, "/healthz"))[0] == 200
        assert await _get(port, "/readyz") == (503, {"ready": False, "reason": "clamd: cannot be reached"})
