"""Health checks: whether the process runs (/healthz), and whether this pod should get requests (/readyz).

Ready means that it can do what it is for: it holds credentials that sign and keys that verify, and DynamoDB answers.
"""

import asyncio

from aiohttp import web

from airlock.errors import AirlockError
from service.identity.callers import OidcTokens
from service.models import responses
from service.ports import Ports
from service.timeouts import with_timeout

# A probe gets its response within this time, whatever is unavailable.
PROBE_TIMEOUT_SECONDS = 2.0
# Everyone may call /readyz, so a result is reused: DynamoDB is read at most once in this time.
REUSE_SECONDS = 1.0


class Readiness:
    """Checks what the service needs. After `stop`, it is never ready again."""

    def __init__(self, ports: Ports, oidc: OidcTokens | None = None) -> None:
        self._ports = ports
        self._oidc = oidc
        self._stopping = False
        self._dynamodb_available = True
        self._checked_at: float | None = None
        self._one_check = asyncio.Lock()

    def stop(self) -> None:
        """From now on the pod is not ready: it is about to end."""
        self._stopping = True

    async def unavailable(self) -> list[str]:
        """The names of what is unavailable: `credentials`, `oidc`, `dynamodb`; `service` when it is about to end."""
        now = self._ports.now()
        names = ["service"] if self._stopping else []
        if self._ports.credentials.remaining(now) < 1:
            names.append("credentials")
        if self._oidc is not None and not self._oidc.is_available():
            names.append("oidc")
        if not await self._is_dynamodb_available(now):
            names.append("dynamodb")
        return names

    async def _is_dynamodb_available(self, now: float) -> bool:
        async with self._one_check:
            if self._checked_at is None or not 0 <= now - self._checked_at < REUSE_SECONDS:
                self._dynamodb_available = await self._ping_dynamodb()
                self._checked_at = now
            return self._dynamodb_available

    async def _ping_dynamodb(self) -> bool:
        try:
            await with_timeout("dynamodb", self._ports.records.ping(), seconds=PROBE_TIMEOUT_SECONDS)
        except AirlockError:
            return False
        return True


READINESS = web.AppKey("readiness", Readiness)


async def healthz(_: web.Request) -> web.StreamResponse:
    """Says that the process runs."""
    return responses.json_response({"status": "ok", "away": []})


async def readyz(request: web.Request) -> web.StreamResponse:
    """Says whether the service can do its work now."""
    unavailable = await request.app[READINESS].unavailable()
    document = {"status": "unavailable" if unavailable else "ok", "away": unavailable}
    return responses.json_response(document, 503 if unavailable else 200)
