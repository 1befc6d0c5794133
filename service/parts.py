"""The parts of one application, by typed keys, and what a request carries beside its headers."""

from aiohttp import web

from airlock.profiles import Profiles
from service.auth import Callers
from service.issuing import Issuer
from service.live import Live
from service.ports import Ports
from service.readiness import Readiness
from service.settings import Settings

SETTINGS = web.AppKey("settings", Settings)
PORTS = web.AppKey("ports", Ports)
PROFILES = web.AppKey("profiles", Profiles)
CALLERS = web.AppKey("callers", Callers)
ISSUER = web.AppKey("issuer", Issuer)
LIVE = web.AppKey("live", Live)
READINESS = web.AppKey("readiness", Readiness)
OPENAPI = web.AppKey("openapi", bytes)

REQUEST_ID = web.RequestKey("request_id", str)
OWNER = web.RequestKey("owner", str)
UPLOAD = web.RequestKey("upload", str)
