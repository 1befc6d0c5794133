"""Health of the worker over HTTP, for Kubernetes or another supervisor: is it alive, and is it ready?"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Report:
    """`unavailable` keeps the worker from receiving messages. `lacking` is what messages wait for in its settings.

    `unconfined` are the layers of the children's confinement that are not to be had here.
    """

    unavailable: Sequence[str]
    lacking: Sequence[str]
    unconfined: Sequence[str]


Ready = Callable[[], Awaitable[Report]]


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

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
