"""Whether the worker is alive and ready, over HTTP, for whoever restarts and routes."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

from airlock.errors import Unavailable

Ready = Callable[[], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(host: str, port: int, ready: Ready) -> AsyncIterator[int]:
    """Answer /healthz (200) and /readyz (200, or 503 and why) on `host`:`port`; gives the port, for 0 a free one.

    `ready` raises Unavailable when the worker is not.
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
