"""The typed keys under which a handler finds the application's parts (`request.app[KEY]`).

https://docs.aiohttp.org/en/stable/web_advanced.html#application-s-config
"""

from aiohttp import web

from airlock.profiles import Profiles
from service.identity.sessions import SignedSessions
from service.ports import Ports
from service.quotas.meter import Meter
from service.settings import Settings
from service.uploads.creator import Creator
from service.uploads.issuer import Issuer
from service.uploads.long_polling import LongPoller

SETTINGS = web.AppKey("settings", Settings)
PORTS = web.AppKey("ports", Ports)
PROFILES = web.AppKey("profiles", Profiles)
ISSUER = web.AppKey("issuer", Issuer)
CREATOR = web.AppKey("creator", Creator)
SESSIONS = web.AppKey("sessions", SignedSessions)
LONG_POLLER = web.AppKey("long_poller", LongPoller)
METER = web.AppKey("meter", Meter)
OPENAPI = web.AppKey("openapi", bytes)
