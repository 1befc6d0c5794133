"""What every request goes through: an id, and one shape for whatever goes wrong. And CORS, where it is configured."""

import re
from collections.abc import Awaitable, Callable, Collection

from aiohttp import web
from aiohttp.typedefs import Middleware

from service import problems
from service.auth import Caller
from service.parts import CALLERS, REQUEST_IDS, TRACE, Trace

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
OwnedHandler = Callable[[web.Request, Caller], Awaitable[web.StreamResponse]]

HEADER = "X-Request-Id"
PREFLIGHT_SECONDS = 600

# What a proxy in front of us makes, in any of the usual forms; nothing that could break a log line.
_SANE = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}\Z")


@web.middleware
async def identified(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Gives each request an id, the caller's if it brings a sane one, and each error the shape of a problem."""
    given = request.headers.get(HEADER)
    request_id = given if given and _SANE.match(given) else request.app[REQUEST_IDS].next()
    resource = request.match_info.route.resource
    request[TRACE] = Trace(request_id, resource.canonical if resource else None)
    try:
        response = await handler(request)
    # The edge of the program: whatever happened, the caller gets a problem and the log gets the rest.
    except Exception as error:  # noqa: BLE001
        response = problems.response(error, request_id)
    response.headers[HEADER] = request_id
    return response


def owned(handler: OwnedHandler) -> Handler:
    """The handler for callers who say who they are; the others are refused before anything is read."""

    async def authenticated(request: web.Request) -> web.StreamResponse:
        caller = request.app[CALLERS].identify(request.headers.get("Authorization"))
        request[TRACE].owner = caller.owner
        return await handler(request, caller)

    return authenticated


def cors(origins: Collection[str]) -> Middleware:
    """Lets pages of `origins` (or of any, "*") call the API. Cookies are not used, so credentials stay off.

    https://fetch.spec.whatwg.org/#http-cors-protocol
    """

    @web.middleware
    async def allow(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        preflight = request.method == "OPTIONS" and origin and "Access-Control-Request-Method" in request.headers
        response = web.Response(status=204) if preflight else await handler(request)
        if "*" not in origins:
            response.headers.add("Vary", "Origin")
        if origin and ("*" in origins or origin in origins):
            response.headers["Access-Control-Allow-Origin"] = "*" if "*" in origins else origin
            response.headers["Access-Control-Expose-Headers"] = f"{HEADER}, Location, Retry-After"
            if preflight:
                response.headers["Access-Control-Allow-Methods"] = "GET, POST, DELETE"
                response.headers["Access-Control-Allow-Headers"] = f"Authorization, Content-Type, {HEADER}"
                response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
        return response

    return allow
