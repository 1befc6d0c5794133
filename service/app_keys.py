"""The parts of one application, by typed keys, and what a request carries beside its headers."""

from dataclasses import dataclass
from itertools import count

from aiohttp import web

from airlock.profiles import Profiles
from service.identity.sessions import SignedSessions
from service.ports import Ports, Random
from service.quotas.meter import Meter
from service.readiness import Readiness
from service.settings import Settings
from service.uploads.creator import Creator
from service.uploads.issuer import Issuer
from service.uploads.long_polling import Live

SETTINGS = web.AppKey("settings", Settings)
PORTS = web.AppKey("ports", Ports)
PROFILES = web.AppKey("profiles", Profiles)
ISSUER = web.AppKey("issuer", Issuer)
CREATOR = web.AppKey("creator", Creator)
SESSIONS = web.AppKey("sessions", SignedSessions)
LIVE = web.AppKey("live", Live)
METER = web.AppKey("meter", Meter)
READINESS = web.AppKey("readiness", Readiness)
OPENAPI = web.AppKey("openapi", bytes)


@dataclass(slots=True)
class Trace:
    """What the log tells of a request beyond its outcome: one object, since each look into a request costs."""

    request_id: str
    route: str | None
    """The pattern of the route: the path itself can hold anything."""
    owner: str | None = None
    upload: str | None = None
    session: str | None = None


class RequestIds:
    """Ids for requests that bring none: unique, in no way secret, and cheaper than chance."""

    def __init__(self, random: Random) -> None:
        self._prefix = random(8).hex()
        self._numbers = count(1)

    def next(self) -> str:
        """An id that no other request has."""
        return f"{self._prefix}-{next(self._numbers):x}"


TRACE = web.RequestKey("trace", Trace)
