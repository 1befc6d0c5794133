"""AWS credentials from the ordinary chain, held ready so that whoever signs never waits for them."""

import asyncio
import contextlib
import logging
import math
from datetime import UTC, datetime
from typing import Protocol, Self

from airlock.callables import Sleep
from airlock.errors import Unavailable
from airlock.policy import Credentials
from aws.errors import translate

log = logging.getLogger(__name__)

# botocore decides when to fetch anew (15 minutes before the end, at the latest 10): it has to be asked often enough.
ASK_SECONDS = 30.0
RETRY_SECONDS = 5.0
# Longer than botocore tries for one answer of a pod's or an instance's endpoint.
LONGEST_REFRESH = 30.0


class Frozen(Protocol):
    """One consistent set of keys, as botocore's ReadOnlyCredentials."""

    @property
    def access_key(self) -> str: ...
    @property
    def secret_key(self) -> str: ...
    @property
    def token(self) -> str | None: ...


class Provider(Protocol):
    """What aiobotocore's `session.get_credentials()` gives; it fetches anew inside this call when the time has come."""

    async def get_frozen_credentials(self) -> Frozen: ...


class CredentialSource:
    """The credentials that sign, kept fresh in the background while the source is entered (`async with`).

    Entering asks once; when that fails the source is entered all the same and keeps asking, so that a pod whose
    metadata service is late becomes ready by itself. While a refresh fails, the credentials held go on being served. A
    refresh that takes longer than `patience` seconds has failed: a provider that never answers is asked again.
    """

    def __init__(self, provider: Provider, *, sleep: Sleep = asyncio.sleep, patience: float = LONGEST_REFRESH) -> None:
        self._provider = provider
        self._patience = patience
        self._sleep = sleep
        self._held: Credentials | None = None
        self._task: asyncio.Task[None] | None = None

    def current(self) -> Credentials:
        """The newest credentials, without waiting. They can have expired: see `remaining`.

        Raises Unavailable("credentials") while there never were any.
        """
        if self._held is None:
            raise Unavailable("credentials", "none could be fetched yet")
        return self._held

    def remaining(self, now: float) -> float:
        """Seconds of life left at `now` (seconds since the epoch): infinite for static ones, 0 when over or absent."""
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
                async with asyncio.timeout(self._patience):
                    frozen = await self._provider.get_frozen_credentials()
        except Unavailable as error:
            self._report(error.detail)
        # A provider can be a program or a plugin: whatever it throws must neither end the task nor be shown.
        except Exception as error:  # noqa: BLE001
            self._report(type(error).__name__)
        else:
            self._held = Credentials(frozen.access_key, frozen.secret_key, frozen.token, _end(self._provider))
            return True
        return False

    def _report(self, reason: str) -> None:
        kept = "keeping those held" if self._held else "there are none yet"
        log.warning("AWS credentials could not be refreshed: %s; %s", reason, kept)

    def _is_static(self) -> bool:
        return self._held is not None and self._held.expires_at is None


def _end(provider: Provider) -> datetime | None:
    # botocore has no public name for it.
    end: datetime | None = getattr(provider, "_expiry_time", None)
    return end.astimezone(UTC) if end else None
