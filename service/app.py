"""The application, built from its parts. Nothing is built at import."""

from collections.abc import AsyncIterator
from dataclasses import replace

from aiohttp import web

from airlock.origins import Origins
from airlock.profiles import Profiles
from service import app_keys, openapi, pages
from service.connections.waiting import WAITING_ROOM, WaitingRoom
from service.health import READINESS, Readiness
from service.identity.callers import Callers
from service.identity.local_pages import LocalPages
from service.identity.sessions import SignedSessions
from service.middlewares import RequestIds, cors, not_found, public
from service.models.requests import MAX_BODY
from service.ports import Ports
from service.quotas.meter import Meter
from service.quotas.usage_reporter import UsageReporter
from service.routes import OPERATIONS
from service.settings import Settings
from service.uploads.creator import Creator
from service.uploads.issuer import Issuer
from service.uploads.long_polling import LongPoller

# How long the last usage may take to be reported to the other replicas.
LAST_FLUSH_SECONDS = 3.0


def make_app(settings: Settings, profiles: Profiles, callers: Callers, ports: Ports) -> web.Application:
    """The service. In mode dev, a caller without a token is the anonymous owner."""
    origins = Origins(settings.cors_origins)
    middlewares = [cors(origins, settings.cors_headers)] if origins else []
    app = web.Application(client_max_size=MAX_BODY, middlewares=middlewares)
    _add_parts(app, settings, profiles, ports)
    _add_routes(app, settings, callers, ports)
    # aiohttp waits for requests in flight after this: a long poll would delay the shutdown by up to a minute.
    app.on_shutdown.append(_close_long_poller)
    # Its end comes after the last request, so that nothing is charged after the last report.
    app.cleanup_ctx.append(_run_meter)
    app.cleanup_ctx.append(_ask_dependencies)
    return app


def _add_parts(app: web.Application, settings: Settings, profiles: Profiles, ports: Ports) -> None:
    app[app_keys.SETTINGS] = settings
    app[app_keys.PORTS] = ports
    app[app_keys.PROFILES] = profiles
    app[app_keys.ISSUER] = issuer = Issuer(settings, ports)
    reporter = UsageReporter(ports.counters, now=ports.now, sleep=ports.sleep, random=ports.random)
    app[app_keys.METER] = meter = Meter(profiles.quotas, reporter, ports.now)
    app[app_keys.CREATOR] = Creator(profiles, issuer, meter, ports.sessions)
    secrets = [secret.get_secret_value().encode() for secret in settings.secrets]
    app[app_keys.SESSIONS] = SignedSessions(secrets, ports.now, ports.random)
    app[app_keys.LONG_POLLER] = LongPoller(ports.records, now=ports.now, sleep=ports.sleep)
    app[WAITING_ROOM] = WaitingRoom(settings)
    app[app_keys.OPENAPI] = openapi.served()


def _add_routes(app: web.Application, settings: Settings, callers: Callers, ports: Ports) -> None:
    ids = RequestIds(ports.random)
    callers = replace(callers, sessions=app[app_keys.SESSIONS])
    if settings.mode == "dev":
        pages_here = LocalPages(Origins(settings.cors_origins), remote=settings.allow_anonymous_remote)
        callers = callers.with_anonymous(pages_here)
    app[READINESS] = Readiness(ports, callers)
    for operation in OPERATIONS:
        handler = operation.wrapped(ids, callers)
        app.router.add_route(operation.method, operation.path, handler)
        if operation.answers_head:
            app.router.add_route("HEAD", operation.path, handler)
    pages.add_docs(app.router, ids)
    if settings.demo_page:
        pages.add_demo(app.router, settings, ports.s3_url, ids)
    # Last: aiohttp takes the first route that matches.
    app.router.add_route("*", "/{path:.*}", public(not_found, None, ids))


async def _close_long_poller(app: web.Application) -> None:
    await app[app_keys.LONG_POLLER].close()


async def _ask_dependencies(app: web.Application) -> AsyncIterator[None]:
    dependencies = app[app_keys.PORTS].dependencies
    dependencies.start()
    yield
    await dependencies.close()


async def _run_meter(app: web.Application) -> AsyncIterator[None]:
    async with app[app_keys.METER].running(min(LAST_FLUSH_SECONDS, app[app_keys.SETTINGS].drain_seconds)):
        yield
