"""A receiver of webhooks on loopback that answers as it is told."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from standardwebhooks.webhooks import Webhook

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Receiver:
    """Verifies what comes, as docs/integrate.md shows it, and keeps the bodies of what it took."""

    answer: Callable[[web.Request], web.Response] = lambda _: web.Response(status=204)
    took: list[tuple[str, bytes]] = field(default_factory=list)
    asked: int = 0
    instead: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
    """Another receiver's handler, in place of ours."""
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        if self.instead:
            return await self.instead(request)
        body = await request.read()
        Webhook(SECRET).verify(body, dict(request.headers))
        response = self.answer(request)
        if response.status < 300:
            self.took.append((request.headers["webhook-id"], body))
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
