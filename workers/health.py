"""Health of the worker over HTTP, for Kubernetes or another supervisor: is it alive, and is it ready?"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Report:
    """`unavailable` keeps the worker from receiving messages. `lacking` is what some messages wait for: what its
    settings do not have, and targets of events that do not answer.

    `unconfined` are the layers of the children's confinement that are not to be had here.
    """

    unavailable: Sequence[str]
    lacking: Sequence[str]
    unconfined: Sequence[str]


Ready = Callable[[], Awaitable[Report]]
# How long a connection stays open without a whole request. aiohttp's default is an hour.
KEEP_ALIVE_SECONDS = 75


@contextlib.asynccontextmanager
async def serving(host: str, port: int, ready: Ready) -> AsyncIterator[int]:
    """Answer /healthz (200) and /readyz (200, or 503 where something is unavailable) on `host`:`port`. Yields the port.

    Port 0 stands for any free port.
    """

    async def readyz(_: web.Request) -> web.Response:
        report = await ready()
        ready_now = not report.unavailable
        return web.json_response({"ready": ready_now, **asdict(report)}, status=200 if ready_now else 503)

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def unnamed(_: web.Request, response: web.StreamResponse) -> None:
        response.headers["Server"] = "airlock"  # aiohttp's names versions

    app = web.Application()
    app.on_response_prepare.append(unnamed)
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz)])
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=KEEP_ALIVE_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
