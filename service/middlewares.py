"""What every request goes through: an id, the owner, and one shape for whatever goes wrong. And CORS.

All but CORS wraps the handlers, rather than being a middleware of aiohttp's: that alone would cost a tenth of a policy.
"""

import re
from collections.abc import Awaitable, Callable, Collection

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware
from multidict import istr

from airlock.errors import Refused
from airlock.upload_session import Session
from service.app_keys import TRACE, RequestIds, Trace
from service.identity.caller import Caller
from service.identity.callers import Callers
from service.models import problems

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
OwnedHandler = Callable[[web.Request, Caller], Awaitable[web.StreamResponse]]

HEADER = "X-Request-Id"
# Folded once, rather than at each look for it.
_GIVEN = istr(HEADER)
_NOSNIFF = istr("X-Content-Type-Options")
PREFLIGHT_SECONDS = 600

# What a proxy in front of us makes, in any of the usual forms; nothing that could break a log line.
_SANE = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}\Z")


def owned(handler: OwnedHandler, route: str, ids: RequestIds, callers: Callers, *, sessions: bool) -> Handler:
    """As `public`, for callers who say who they are; the others are refused before anything is read.

    Upload sessions are among the others unless `sessions` is true.
    """

    async def authenticated(request: web.Request) -> web.StreamResponse:
        trace = _begin(request, route, ids)
        try:
            found = callers.identify(request.headers.get(hdrs.AUTHORIZATION))
            # Of the tokens that come, nearly all are known: waiting even for nothing would cost.
            caller = found if isinstance(found, Caller) else await found
            trace.owner = caller.owner
            if caller.session is not None:
                _admit(caller.session, trace, sessions=sessions)
            response = await handler(request, caller)
        # As in `public`, which is not around this for the price of one more coroutine.
        except Exception as error:  # noqa: BLE001
            response = problems.response(error, trace.request_id)
        return _end(response, trace)

    return authenticated


def public(handler: Handler, route: str | None, ids: RequestIds) -> Handler:
    """The handler, with an id for each request, the caller's if it brings a sane one, and problems for errors.

    `route` is the pattern of the address, for the log: the path itself can hold anything.
    """

    async def identified(request: web.Request) -> web.StreamResponse:
        trace = _begin(request, route, ids)
        try:
            response = await handler(request)
        # The edge of the program: whatever happened, the caller gets a problem and the log gets the rest.
        except Exception as error:  # noqa: BLE001
            response = problems.response(error, trace.request_id)
        return _end(response, trace)

    return identified


def _begin(request: web.Request, route: str | None, ids: RequestIds) -> Trace:
    given = request.headers.get(_GIVEN)
    trace = Trace(given if given and _SANE.match(given) else ids.next(), route)
    request[TRACE] = trace
    return trace


def _admit(session: Session, trace: Trace, *, sessions: bool) -> None:
    trace.session = session.id
    if not sessions:
        raise Refused("session_forbidden", "an upload session is for creating uploads and following them")


def _end(response: web.StreamResponse, trace: Trace) -> web.StreamResponse:
    headers = response.headers
    headers[_GIVEN] = trace.request_id
    # No browser is to take an answer for another kind of thing than we say that it is.
    headers[_NOSNIFF] = "nosniff"
    return response


async def lost(request: web.Request) -> web.StreamResponse:
    """Raises what is wrong with an address or a method that nothing else serves."""
    elsewhere = [resource for resource in request.app.router.resources() if resource.canonical != EVERYTHING]
    allowed = {method for resource in elsewhere for method in (await resource.resolve(request))[1]}
    if allowed:
        raise web.HTTPMethodNotAllowed(request.method, allowed)
    raise web.HTTPNotFound


EVERYTHING = "/{path}"


def cors(origins: Collection[str]) -> Middleware:
    """Lets pages of `origins` (or of any, "*") call the API. Cookies are not used, so credentials stay off.

    https://fetch.spec.whatwg.org/#http-cors-protocol
    """
    anyone = "*" in origins

    @web.middleware
    async def allow(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin", "")
        preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        response = web.Response(status=204) if preflight else await handler(request)
        if not anyone:
            response.headers.add("Vary", "Origin")
        if origin and (anyone or origin in origins):
            response.headers.update(_permission("*" if anyone else origin, preflight=preflight))
        return response

    return allow


def _permission(origin: str, *, preflight: bool) -> dict[str, str]:
    told = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": f"{HEADER}, Location, Retry-After, RateLimit, RateLimit-Policy",
    }
    if preflight:
        told["Access-Control-Allow-Methods"] = "GET, POST, DELETE"
        told["Access-Control-Allow-Headers"] = f"Authorization, Content-Type, {HEADER}"
        told["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
    return told
