"""Health checks: whether the process runs (/healthz), and whether this pod should get requests (/readyz).

Ready means that it can do what it is for: it holds credentials that sign, and keys that verify the callers' tokens.
What only some calls need is told and not failed: those calls answer 503 while it is unavailable. Taking every replica
out of rotation would end the calls that need nothing of it.
"""

import logging
from typing import NamedTuple

from aiohttp import web

from service.identity.callers import Callers
from service.models import responses
from service.ports import Ports

log = logging.getLogger(__name__)

# A probe gets its response within this time, whatever is slow. One of Kubernetes waits a second by default.
PROBE_SECONDS = 0.3


class Report(NamedTuple):
    """What is unavailable: `needed` to be ready, and `told` besides."""

    needed: list[str]
    told: list[str]


class Readiness:
    """Checks what the service needs. After `stop`, it is never ready again.

    The keys of the OpenID provider are needed where no other token is accepted.
    """

    def __init__(self, ports: Ports, callers: Callers) -> None:
        self._ports = ports
        self._oidc = callers.oidc
        self._needs_oidc = not callers.static and not callers.anonymous
        self._stopping = False
        self._logged: frozenset[str] = frozenset()

    def stop(self) -> None:
        """From now on the pod is not ready: it is about to end."""
        self._stopping = True

    async def report(self) -> Report:
        """Of `service` (it is about to end), `credentials`, `oidc`, `dynamodb` and `sqs`, those unavailable."""
        needed, told = self._held()
        problems = await self._ports.dependencies.problems(PROBE_SECONDS)
        return Report(needed, sorted({*told, *(problem.dependency for problem in problems)}))

    def _held(self) -> Report:
        needed = ["service"] if self._stopping else []
        lacking = set()
        if self._ports.credentials.remaining(self._ports.now()) < 1:
            lacking.add("credentials")
        if self._oidc is not None and not self._oidc.is_available():
            lacking.add("oidc")
        self._log(frozenset(lacking))
        told = {"oidc"} & lacking if not self._needs_oidc else set[str]()
        return Report([*needed, *sorted(lacking - told)], sorted(told))

    def _log(self, lacking: frozenset[str]) -> None:
        causes = {"credentials": "there are none that sign", "oidc": "there are no keys that verify its tokens"}
        for name in sorted(lacking - self._logged):
            log.warning("unavailable: %s: %s", name, causes[name], extra={"resource": name, "cause": causes[name]})
        for name in sorted(self._logged - lacking):
            log.info("available again: %s", name, extra={"resource": name})
        self._logged = lacking


READINESS = web.AppKey("readiness", Readiness)


async def healthz(_: web.Request) -> web.StreamResponse:
    """Says that the process runs."""
    return responses.json_response({"status": "ok", "away": []})


async def readyz(request: web.Request) -> web.StreamResponse:
    """Says whether the service can do its work now, and what is unavailable."""
    report = await request.app[READINESS].report()
    document = {"status": "unavailable" if report.needed else "ok", "away": [*report.needed, *report.told]}
    return responses.json_response(document, 503 if report.needed else 200)
