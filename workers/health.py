"""Health of the worker over HTTP, for Kubernetes or another supervisor: is it alive, and is it ready?"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

from airlock.errors import Unavailable

Ready = Callable[[], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(host: str, port: int, ready: Ready) -> AsyncIterator[int]:
    """Answer /healthz (200) and /readyz (200, or 503 with the reason) on `host`:`port`. Yields the port.

    Port 0 stands for any free port. `ready` raises Unavailable while the worker is not ready.
    """

    async def readyz(_: web.Request) -> web.Response:
        try:
            await ready()
        except Unavailable as problem:
            return web.json_response({"ready": False, "reason": str(problem)}, status=503)
        return web.json_response({"ready": True})

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
