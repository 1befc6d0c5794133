"""One listening application, and its orderly end."""

import contextlib
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from service.app_keys import PORTS, READINESS, SETTINGS
from service.logs import access_log

# Of one header, in bytes: an OIDC token is long, and one that is too long gets an answer of ours, not of the parser's.
MAX_HEADER = 32 * 1024


@contextlib.asynccontextmanager
async def serving(app: web.Application, write_log: Callable[[bytes], object]) -> AsyncIterator[str]:
    """Listen where the settings say; gives the address, with the port that was really taken.

    On the way out: not ready any more, then no new connections, then those who wait are answered, then what is in
    flight may finish. Raises OSError where the address cannot be had.
    """
    settings, ports = app[SETTINGS], app[PORTS]
    log = access_log(write_log, ports.now)
    runner = web.AppRunner(
        app, access_log_class=log, shutdown_timeout=settings.drain_seconds, max_field_size=MAX_HEADER
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
        yield _address(settings.host, runner.addresses[0][1])
        app[READINESS].leave()
        await ports.sleep(settings.unready_seconds)
    finally:
        await runner.cleanup()


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
