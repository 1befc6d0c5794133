"""A receiver of webhooks on loopback, whose responses a test chooses."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from standardwebhooks.webhooks import Webhook

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Receiver:
    """Verifies each request, as docs/integrate.md shows it. `accepted` has (id, body) of those answered with 2xx."""

    respond: Callable[[web.Request], web.Response] = lambda _: web.Response(status=204)
    accepted: list[tuple[str, bytes]] = field(default_factory=list)
    requests: int = 0
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
    """A handler to use in place of our own."""
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        if self.handler:
            return await self.handler(request)
        body = await request.read()
        Webhook(SECRET).verify(body, dict(request.headers))
        response = self.respond(request)
        if response.status < 300:
            self.accepted.append((request.headers["webhook-id"], body))
        return response


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield receiver
    await runner.cleanup()
