"""AWS credentials from the ordinary chain, refreshed in the background so that signing never waits for them.

https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
"""

import asyncio
import contextlib
import logging
import math
from datetime import UTC, datetime
from typing import Protocol, Self

from airlock.callables import Sleep
from airlock.errors import Outage, Unavailable
from airlock.policy import Credentials
from aws.errors import translate

log = logging.getLogger(__name__)

# botocore refreshes credentials when it is asked for them within 15 minutes of their end, so it is asked regularly.
ASK_SECONDS = 30.0
RETRY_SECONDS = 5.0
# Longer than botocore itself waits for the metadata endpoint of a pod or an instance.
REFRESH_TIMEOUT = 30.0


class FrozenCredentials(Protocol):
    """One consistent set of keys: botocore's ReadOnlyCredentials."""

    @property
    def access_key(self) -> str: ...
    @property
    def secret_key(self) -> str: ...
    @property
    def token(self) -> str | None: ...


class Provider(Protocol):
    """What aiobotocore's `session.get_credentials()` returns. Its call refreshes the credentials when they are due."""

    async def get_frozen_credentials(self) -> FrozenCredentials: ...


class CredentialSource:
    """The credentials that sign, refreshed in the background while the source is entered (`async with`).

    Entering tries once. When that fails, it is entered anyway and goes on trying, so that a pod whose metadata service
    starts late becomes ready by itself. While a refresh fails, the credentials held stay in use. A refresh fails after
    `timeout` seconds, so that a provider that never answers is asked again.
    """

    def __init__(self, provider: Provider, *, sleep: Sleep = asyncio.sleep, timeout: float = REFRESH_TIMEOUT) -> None:
        self._provider = provider
        self._timeout = timeout
        self._sleep = sleep
        self._held: Credentials | None = None
        self._task: asyncio.Task[None] | None = None

    def current(self) -> Credentials:
        """The credentials held, without waiting. They may have expired: see `remaining`.

        Raises Unavailable("credentials") until there are any.
        """
        if self._held is None:
            raise Outage("credentials", "none could be fetched yet")
        return self._held

    def remaining(self, now: float) -> float:
        """Seconds from `now` (seconds since the epoch) until they expire: infinite for static ones, 0 without any."""
        if self._held is None:
            return 0.0
        if self._held.expires_at is None:
            return math.inf
        return max(0.0, self._held.expires_at.timestamp() - now)

    async def __aenter__(self) -> Self:
        await self._refresh()
        self._task = asyncio.create_task(self._keep_fresh(), name="credentials")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _keep_fresh(self) -> None:
        fresh = self._held is not None
        while not (fresh and self._is_static()):
            await self._sleep(ASK_SECONDS if fresh else RETRY_SECONDS)
            fresh = await self._refresh()

    async def _refresh(self) -> bool:
        try:
            with translate("credentials"):
                async with asyncio.timeout(self._timeout):
                    frozen = await self._provider.get_frozen_credentials()
        except Unavailable as error:
            self._report(error.detail)
        # A provider can be a program or a plugin. What it raises must not end the task, and may hold secrets.
        except Exception as error:  # noqa: BLE001
            self._report(type(error).__name__)
        else:
            self._held = Credentials(frozen.access_key, frozen.secret_key, frozen.token, _expiry(self._provider))
            return True
        return False

    def _report(self, reason: str) -> None:
        kept = "keeping those held" if self._held else "there are none yet"
        log.warning("AWS credentials could not be refreshed: %s; %s", reason, kept)

    def _is_static(self) -> bool:
        return self._held is not None and self._held.expires_at is None


def _expiry(provider: Provider) -> datetime | None:
    # botocore has no public name for it.
    expiry: datetime | None = getattr(provider, "_expiry_time", None)
    return expiry.astimezone(UTC) if expiry else None
