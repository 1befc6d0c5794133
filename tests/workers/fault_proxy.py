"""An HTTP proxy between a worker and the emulator that does something to one call, before or after it is made."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Literal

import aiohttp
from aiohttp import web
from yarl import URL

Step = Literal["read", "claim", "copy", "settle", "count", "publish", "delete", "acknowledge", "other"]
Moment = Literal["before", "after"]
Fault = Callable[[], Awaitable[None]]

_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


class Broken(Exception):
    """Raised by a fault: the connection ends without an answer."""


class FaultProxy:
    """`fault` is awaited once, at `moment` of the first call that is `step`; the seen steps are in `steps`."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._fault: tuple[Step, Moment, Fault] | None = None
        self.steps: list[Step] = []
        self.endpoint = ""

    def inject(self, step: Step, moment: Moment, fault: Fault) -> None:
        self._fault = (step, moment, fault)

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["FaultProxy"]:
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            self._session = session
            app = web.Application(client_max_size=1 << 30)
            app.router.add_route("*", "/{path:.*}", self._pass)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
            try:
                yield self
            finally:
                await runner.cleanup()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        step = _step(request, body)
        self.steps.append(step)
        try:
            await self._at(step, "before")
            answer = await self._forward(request, body)
            await self._at(step, "after")
        except (Broken, aiohttp.ClientError):
            if request.transport:
                request.transport.abort()
            return web.Response()
        return answer

    async def _at(self, step: Step, moment: Moment) -> None:
        if self._fault and self._fault[:2] == (step, moment):
            fault, self._fault = self._fault[2], None
            await fault()

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        url = URL(self._upstream + request.raw_path, encoded=True)
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP]
        async with self._session.request(
            request.method, url, headers=headers, data=body, skip_auto_headers=("Accept", "User-Agent", "Content-Type")
        ) as answer:
            # The answer to HEAD has the length of a body that does not come.
            hop = _HOP - {"content-length"} if request.method == "HEAD" else _HOP
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in hop]
            return web.Response(status=answer.status, headers=dict(kept), body=await answer.read())


def _step(request: web.Request, body: bytes) -> Step:
    target = request.headers.get("X-Amz-Target", "")
    if target.endswith(".UpdateItem"):
        return "claim" if b"ADD #attempts" in body else "settle"
    if target.endswith(".TransactWriteItems"):
        return "count"
    if "x-amz-copy-source" in request.headers:
        return "copy"
    if target.endswith(".SendMessage"):
        return "publish"
    if request.method == "DELETE":
        return "delete"
    if target.endswith(".DeleteMessageBatch"):
        return "acknowledge"
    return "read" if request.method == "GET" and "versionId" in request.query else "other"
