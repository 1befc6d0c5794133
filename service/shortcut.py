"""The way of the one call that must be quick: past aiohttp's router, which costs as much as signing a policy."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

from aiohttp import hdrs, web

from service.models.responses import PATH
from service.post import POST

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def take_shortcut(app: web.Application, runner: web.AppRunner) -> None:
    """Let `runner`, which is set up, serve `POST /v1/uploads` first: by the same handler, behind the same middlewares.

    The router keeps the route, and still takes it for requests that are written otherwise or expect something.
    """
    server, post = cast(web.Server, runner.server), app[POST]
    general, match = server.request_handler, _match(app)
    quick: Handler = match.handler
    for middleware in reversed(app.middlewares):
        quick = partial(middleware, handler=quick)

    def handle(request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        if not isinstance(request, web.Request) or request.raw_path != PATH or request.method != hdrs.METH_POST:
            return general(request)
        if hdrs.EXPECT in request.headers:
            return general(request)
        # What the router would find, made once; aiohttp's public ways all go through the router.
        request._match_info = match  # noqa: SLF001
        return quick(request)

    make = server.request_factory

    def made(*parts: Any) -> web.BaseRequest:
        # A client may ask on before it has its answer, and may then be answered in the same turn. What it sends may be
        # no request at all: aiohttp makes one of that too, and answers it by itself.
        request = make(*parts)
        post.precede(request.transport)
        return request

    server.request_handler = handle
    server.request_factory = made


def _match(app: web.Application) -> web.UrlMappingMatchInfo:
    """What every request to create an upload is matched by. No handler changes it."""
    (route,) = (
        route
        for route in app.router.routes()
        if route.method == hdrs.METH_POST and route.resource and route.resource.canonical == PATH
    )
    match = web.UrlMappingMatchInfo({}, route)
    match.add_app(app)
    match.freeze()
    return match
