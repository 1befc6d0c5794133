"""One application that listens, and its graceful shutdown."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from service.app_keys import PORTS, SETTINGS
from service.connections import connection, open_files
from service.connections.table import Connections
from service.health import READINESS
from service.logs import access_log

# Of one header, in bytes. An OIDC token is long; one that is too long gets a problem of ours, not a parser's error.
MAX_HEADER = 32 * 1024
# Connections that the kernel has taken and we have not: as many as Linux allows by default. A client whose attempt is
# dropped tries again a second later.
BACKLOG = 4096


@contextlib.asynccontextmanager
async def serving(app: web.Application, write_log: Callable[[bytes], object]) -> AsyncIterator[str]:
    """Listen on the address in the settings; yields the URL, with the port that was taken.

    The shutdown goes in this order: /readyz says 503 while connections are still taken, new connections are refused,
    long polls are answered, requests in flight finish. Raises OSError when the address is not available.
    """
    settings, ports = app[SETTINGS], app[PORTS]
    log = access_log(write_log, ports.now, connection.end)
    runner = web.AppRunner(
        app, access_log_class=log, shutdown_timeout=settings.drain_seconds, max_field_size=MAX_HEADER
    )
    await runner.setup()
    open_files.allow(settings.connections)
    connections = Connections(settings, now=ports.now, sleep=ports.sleep)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(connections.running())
        stack.push_async_callback(runner.cleanup)
        listener = await _listen(runner, connections, settings.host, settings.port)
        stack.callback(listener.close)
        yield _url(settings.host, listener.sockets[0].getsockname()[1])
        app[READINESS].stop()
        await ports.sleep(settings.unready_seconds)


async def _listen(runner: web.AppRunner, connections: Connections, host: str, port: int) -> asyncio.Server:
    server = runner.server
    if server is None:
        raise RuntimeError("the runner is set up before anything listens")
    make = connections.factory(server)
    return await asyncio.get_running_loop().create_server(make, host, port, backlog=BACKLOG)


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
