"""A service and a storage of the right shapes, for the faults that the real ones do not commit on demand."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from aiohttp import web
from aiohttp.test_utils import TestServer

WEB = Path(__file__).parents[2] / "web"
CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "*", "Access-Control-Allow-Headers": "*"}
ACCEPTED = {
    "outcome": "accepted",
    "findings": [],
    "engines": [
        {"name": "magika", "version": "1.0.3", "signatures_at": None},
        {"name": "yara-x", "version": "1.23.0", "signatures_at": "2026-11-12T00:00:00Z"},
    ],
    "bytes": 12,
    "sha256": "9f" * 32,
    "media_type": "text/plain",
    "inspected_at": "2026-11-22T18:00:00Z",
}

Answer = Callable[[], web.Response]


def problem(status: int, code: str, detail: str, **headers: str) -> Answer:
    """A maker of a problem details answer."""
    body = {"type": "about:blank", "title": code, "status": status, "detail": detail, "code": code, "field": "size"}
    return lambda: web.json_response(body, status=status, headers=headers, content_type="application/problem+json")


def storage_error(status: int, code: str, message: str) -> Answer:
    """A maker of S3's XML error."""
    text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return lambda: web.Response(status=status, text=text, content_type="application/xml", headers=CORS)


@dataclass
class FakeService:
    """Two servers on two origins. What is put in a list of answers is given first, in order, before the usual."""

    verdict: dict[str, Any] = field(default_factory=lambda: dict(ACCEPTED))
    service_answers: list[Answer] = field(default_factory=list)
    storage_answers: list[Answer] = field(default_factory=list)
    status_answers: list[Answer] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    posted: list[list[tuple[str, str | bytes]]] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    storage_may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    storage_was_asked: asyncio.Event = field(default_factory=asyncio.Event)
    inspection_may_end: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        self.storage_may_answer.set()
        self.inspection_may_end.set()
        self.storage = TestServer(self._storage())
        self.service = TestServer(self._service())
        await self.storage.start_server()
        await self.service.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.service.close()
        await self.storage.close()

    @property
    def address(self) -> str:
        return str(self.service.make_url("/"))

    def _service(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v1/uploads", self._create)
        app.router.add_get("/v1/uploads/{id}", self._status)
        app.router.add_delete("/v1/uploads/{id}", self._withdraw)
        app.router.add_get("/v1/uploads/{id}/content", self._content)
        app.router.add_get("/", _page)
        app.router.add_static("/web", WEB)
        return app

    def _storage(self) -> web.Application:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("OPTIONS", "/bucket", _preflight)
        app.router.add_post("/bucket", self._store)
        app.router.add_get("/bytes", self._bytes)
        return app

    async def _create(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        self.tokens.append(request.headers.get("Authorization"))
        if self.service_answers:
            return self.service_answers.pop(0)()
        form = {"key": "incoming/u1", "Content-Type": "text/plain", "x-amz-meta-filename": "a%20b", "policy": "cA=="}
        return web.json_response(
            {
                "id": "u1",
                "state": "awaiting_upload",
                "upload": {"method": "POST", "url": str(self.storage.make_url("/bucket")), "fields": form},
                "expires_at": "2026-11-22T19:00:00Z",
                "max_bytes": 100,
                "links": {"self": "/v1/uploads/u1", "content": "/v1/uploads/u1/content"},
            },
            status=201,
        )

    async def _store(self, request: web.Request) -> web.Response:
        parts: list[tuple[str, str | bytes]] = []
        async for part in await request.multipart():
            assert part.name is not None  # type: ignore[union-attr]
            content = await part.read()  # type: ignore[union-attr]
            parts.append((part.name, bytes(content) if part.name == "file" else content.decode()))  # type: ignore[union-attr]
        self.storage_was_asked.set()
        await self.storage_may_answer.wait()
        if self.storage_answers:
            return self.storage_answers.pop(0)()
        self.posted.append(parts)
        return web.Response(status=204, headers=CORS)

    async def _status(self, request: web.Request) -> web.Response:
        if self.status_answers:
            return self.status_answers.pop(0)()
        known = request.query.get("state")
        if known != "inspecting":
            return web.json_response({"id": "u1", "state": "inspecting", "filename": "a b"})
        await self.inspection_may_end.wait()
        return web.json_response({"id": "u1", "state": self.verdict["outcome"], "verdict": self.verdict})

    async def _withdraw(self, request: web.Request) -> web.Response:
        self.withdrawn.append(request.match_info["id"])
        return web.json_response({"id": "u1", "state": "withdrawn"}, status=202)

    async def _content(self, request: web.Request) -> web.Response:
        self.tokens.append(request.headers.get("Authorization"))
        raise web.HTTPFound(self.storage.make_url("/bytes"))

    async def _bytes(self, request: web.Request) -> web.Response:
        body = dict(self.posted[-1])["file"]
        assert isinstance(body, bytes)
        return web.Response(body=body, headers={**CORS, "Content-Disposition": 'attachment; filename="a b"'})


async def _page(_: web.Request) -> web.FileResponse:
    return web.FileResponse(WEB / "index.html")


async def _preflight(_: web.Request) -> web.Response:
    return web.Response(headers=CORS)
