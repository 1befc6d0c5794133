"""What every request passes: a request id, authentication, and problem details for every error. And CORS.

All but CORS are wrappers of the handlers and no middlewares of aiohttp: `Operation.public` decides at start which one
a route gets, and a middleware would have to find that out for each request.
"""

import re
from collections.abc import Awaitable, Callable, Collection
from itertools import count

from aiohttp import web
from aiohttp.typedefs import Middleware
from multidict import istr

from airlock.errors import Refused
from airlock.origins import Origins
from airlock.upload_session import Session
from service.connections import connection
from service.identity.caller import Caller
from service.identity.callers import Callers
from service.logs import LOG_CONTEXT, LogContext
from service.models import problems
from service.ports import RandomBytes

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
OwnedHandler = Callable[[web.Request, Caller], Awaitable[web.StreamResponse]]

REQUEST_ID = "X-Request-Id"
# An istr has its case folded once; a str is folded each time that it is looked up.
_REQUEST_ID = istr(REQUEST_ID)
_CONTENT_TYPE_OPTIONS = istr("X-Content-Type-Options")
_SERVER = istr("Server")
PREFLIGHT_SECONDS = 600

# The usual forms of request ids that proxies create. Nothing that could break a log line.
_USABLE_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}\Z")


class RequestIds:
    """Ids for requests that come without one: unique, but not secret."""

    def __init__(self, random: RandomBytes) -> None:
        self._prefix = random(8).hex()
        self._numbers = count(1)

    def next(self) -> str:
        """An id that no other request has."""
        return f"{self._prefix}-{next(self._numbers):x}"


def owned(handler: OwnedHandler, route: str, ids: RequestIds, callers: Callers, *, sessions: bool) -> Handler:
    """As `public`, for authenticated callers; all others are refused before the body is read.

    A caller with an upload session is refused too, unless `sessions` is true.
    """

    async def authenticated(request: web.Request) -> web.StreamResponse:
        context = _begin(request, route, ids)
        try:
            found = callers.identify(request.headers)
            # Most tokens are known already, and need no await.
            caller = found if isinstance(found, Caller) else await found
            context.owner = caller.owner
            if caller.session is not None:
                _admit_session(caller.session, context, allowed=sessions)
            response = await handler(request, caller)
        # As in `public`, which is not reused here because a further coroutine costs time in every request.
        except Exception as error:  # noqa: BLE001
            response = problems.response(error, context.request_id)
        return _end(response, context)

    return authenticated


def public(handler: Handler, route: str | None, ids: RequestIds) -> Handler:
    """Wraps a handler: sets the request's id and log context, and turns errors into problem details.

    The caller's own request id is kept when it has one of the usual forms. `route` is the pattern of the address.
    """

    async def identified(request: web.Request) -> web.StreamResponse:
        context = _begin(request, route, ids)
        try:
            response = await handler(request)
        # The outermost handler: whatever the error is, the caller gets a problem and the log gets the traceback.
        except Exception as error:  # noqa: BLE001
            response = problems.response(error, context.request_id)
        return _end(response, context)

    return identified


def _begin(request: web.Request, route: str | None, ids: RequestIds) -> LogContext:
    connection.begin(request)
    given = request.headers.get(_REQUEST_ID)
    context = LogContext(given if given and _USABLE_ID.match(given) else ids.next(), route)
    request[LOG_CONTEXT] = context
    return context


def _admit_session(session: Session, context: LogContext, *, allowed: bool) -> None:
    context.session = session.id
    if not allowed:
        raise Refused("session_forbidden", "An upload session can only create, read and withdraw uploads")


def _end(response: web.StreamResponse, context: LogContext) -> web.StreamResponse:
    headers = response.headers
    headers[_REQUEST_ID] = context.request_id
    # A browser must not guess another content type than the one that we send.
    headers[_CONTENT_TYPE_OPTIONS] = "nosniff"
    headers[_SERVER] = problems.SERVER
    return response


async def not_found(request: web.Request) -> web.StreamResponse:
    """Raises 405 when the address exists for other methods, 404 when it does not."""
    others = [resource for resource in request.app.router.resources() if resource.canonical != EVERYTHING]
    allowed = {method for resource in others for method in (await resource.resolve(request))[1]}
    if allowed:
        raise web.HTTPMethodNotAllowed(request.method, allowed)
    raise web.HTTPNotFound


# The canonical form of the route that `not_found` serves.
EVERYTHING = "/{path}"


def cors(origins: Origins, headers: Collection[str]) -> Middleware:
    """Lets pages of `origins` call the API, with `headers` beside ours. Credentials stay off: no cookie is used.

    https://fetch.spec.whatwg.org/#http-cors-protocol
    """
    sent = ", ".join(("Authorization", "Content-Type", REQUEST_ID, *headers))

    @web.middleware
    async def allow(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin", "")
        preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        response = _preflighted(request) if preflight else await handler(request)
        if not origins.any:
            response.headers.add("Vary", "Origin")
        if origin and origins.allows(origin):
            response.headers.update(_permission("*" if origins.any else origin, sent if preflight else ""))
        return response

    return allow


def _preflighted(request: web.Request) -> web.StreamResponse:
    connection.begin(request)
    return web.Response(status=204, headers={_SERVER: problems.SERVER})


def _permission(origin: str, request_headers: str) -> dict[str, str]:
    """The headers of an answer, and with `request_headers` those of a preflight."""
    headers = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": f"{REQUEST_ID}, Location, Retry-After, RateLimit, RateLimit-Policy",
    }
    if request_headers:
        headers["Access-Control-Allow-Methods"] = "GET, POST, DELETE"
        headers["Access-Control-Allow-Headers"] = request_headers
        headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
    return headers
