"""The application, put together from its parts. Nothing is built at import."""

from collections.abc import AsyncIterator
from dataclasses import replace

import orjson
from aiohttp import web

from airlock.profiles import Profiles
from service import app_keys as parts
from service import openapi, pages
from service.identity.callers import Callers
from service.identity.sessions import SignedSessions
from service.middlewares import cors, lost, public
from service.models.requests import MAX_BODY
from service.ports import Ports
from service.quotas.meter import Meter
from service.quotas.usage_reporter import Teller
from service.readiness import Readiness
from service.routes import OPERATIONS
from service.settings import Settings
from service.uploads.creator import Creator
from service.uploads.issuer import Issuer
from service.uploads.long_polling import Live

# For telling the other replicas of the last uploads.
LAST_SECONDS = 3.0


def make_app(settings: Settings, profiles: Profiles, callers: Callers, ports: Ports) -> web.Application:
    """The service. In mode dev whoever brings no token is the anonymous owner."""
    middlewares = [cors(settings.cors_origins)] if settings.cors_origins else []
    app = web.Application(client_max_size=MAX_BODY, middlewares=middlewares)
    _furnish(app, settings, profiles, callers, ports)
    _route(app, settings, callers, ports)
    # Before requests in flight are waited for: those who wait for news would hold the shutdown up.
    app.on_shutdown.append(_answer_who_waits)
    # Its end comes after the last request, so that nothing is charged any more.
    app.cleanup_ctx.append(_metering)
    return app


def _furnish(app: web.Application, settings: Settings, profiles: Profiles, callers: Callers, ports: Ports) -> None:
    app[parts.SETTINGS] = settings
    app[parts.PORTS] = ports
    app[parts.PROFILES] = profiles
    app[parts.ISSUER] = issuer = Issuer(settings, ports)
    teller = Teller(ports.counters, now=ports.now, sleep=ports.sleep, random=ports.random)
    app[parts.METER] = meter = Meter(profiles.quotas, teller, ports.now)
    app[parts.CREATOR] = Creator(profiles, issuer, meter, ports.sessions)
    secrets = [secret.get_secret_value().encode() for secret in settings.secrets]
    app[parts.SESSIONS] = SignedSessions(secrets, ports.now, ports.random)
    app[parts.LIVE] = Live(ports.records, now=ports.now, sleep=ports.sleep)
    app[parts.READINESS] = Readiness(ports, callers.oidc)
    app[parts.OPENAPI] = orjson.dumps(openapi.document())


def _route(app: web.Application, settings: Settings, callers: Callers, ports: Ports) -> None:
    ids = parts.RequestIds(ports.random)
    callers = replace(callers, sessions=app[parts.SESSIONS])
    callers = callers.with_anonymous() if settings.mode == "dev" else callers
    for operation in OPERATIONS:
        app.router.add_route(operation.method, operation.path, operation.served_by(ids, callers))
    pages.add_docs(app.router, ids)
    if settings.demo_page:
        pages.add_demo(app.router, settings, ids)
    # Last, for what nothing above serves.
    app.router.add_route("*", "/{path:.*}", public(lost, None, ids))


async def _answer_who_waits(app: web.Application) -> None:
    await app[parts.LIVE].close()


async def _metering(app: web.Application) -> AsyncIterator[None]:
    async with app[parts.METER].running(min(LAST_SECONDS, app[parts.SETTINGS].drain_seconds)):
        yield
