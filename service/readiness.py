"""Whether this pod should get requests: it holds what signs and what verifies, and DynamoDB answers."""

import asyncio

from airlock.errors import AirlockError
from service.identity.callers import OidcTokens
from service.ports import Ports
from service.timeouts import answer_of

# A probe is answered within this time, whatever is away.
PATIENCE = 2.0
# Everybody may ask, so an answer is kept: asking costs at most one read of the table in this time.
KEPT_SECONDS = 1.0


class Readiness:
    """Looks at what the service needs. Once `leaving`, it is never ready again."""

    def __init__(self, ports: Ports, oidc: OidcTokens | None = None) -> None:
        self._ports = ports
        self._oidc = oidc
        self._leaving = False
        self._records_away = False
        self._looked_at: float | None = None
        self._one_look = asyncio.Lock()

    def leave(self) -> None:
        """From now on the pod is not ready: it is about to stop."""
        self._leaving = True

    async def away(self) -> list[str]:
        """What is away, by name: `credentials`, `oidc`, `dynamodb`, or the `service` itself when it is leaving."""
        now = self._ports.now()
        away = ["service"] if self._leaving else []
        if self._ports.credentials.remaining(now) < 1:
            away.append("credentials")
        if self._oidc is not None and self._oidc.is_away():
            away.append("oidc")
        if await self._are_records_away(now):
            away.append("dynamodb")
        return away

    async def _are_records_away(self, now: float) -> bool:
        async with self._one_look:
            if self._looked_at is None or not 0 <= now - self._looked_at < KEPT_SECONDS:
                try:
                    await answer_of("dynamodb", self._ports.records.ping(), seconds=PATIENCE)
                    self._records_away = False
                except AirlockError:
                    self._records_away = True
                self._looked_at = now
            return self._records_away
