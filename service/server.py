"""One application that listens, and its graceful shutdown."""

import contextlib
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from service.app_keys import PORTS, SETTINGS
from service.health import READINESS
from service.logs import access_log

# Of one header, in bytes. An OIDC token is long; one that is too long gets a problem of ours, not a parser's error.
MAX_HEADER = 32 * 1024


@contextlib.asynccontextmanager
async def serving(app: web.Application, write_log: Callable[[bytes], object]) -> AsyncIterator[str]:
    """Listen on the address in the settings; yields the URL, with the port that was taken.

    The shutdown goes in this order: /readyz says 503 while connections are still taken, new connections are refused,
    long polls are answered, requests in flight finish. Raises OSError when the address is not available.
    """
    settings, ports = app[SETTINGS], app[PORTS]
    log = access_log(write_log, ports.now)
    runner = web.AppRunner(
        app, access_log_class=log, shutdown_timeout=settings.drain_seconds, max_field_size=MAX_HEADER
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
        yield _url(settings.host, runner.addresses[0][1])
        app[READINESS].stop()
        await ports.sleep(settings.unready_seconds)
    finally:
        await runner.cleanup()


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
