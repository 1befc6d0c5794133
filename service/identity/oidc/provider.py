"""The keys of an OpenID provider, refreshed in the background: a request waits only for a key that is not held yet."""

import asyncio
import contextlib
import logging
from typing import Self

from airlock.backoff import Backoff
from airlock.callables import Clock, Sleep
from airlock.errors import Unavailable
from service.identity.oidc.addresses import is_secure
from service.identity.oidc.fetching import Document, Fetch
from service.identity.oidc.jwks import KeySet
from service.identity.oidc.strict_json import Malformed, parse_object
from service.ports import RandomBytes

log = logging.getLogger(__name__)

# https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
DISCOVERY = "/.well-known/openid-configuration"
REFRESH_SECONDS = (300, 3600)
"""The bounds of the provider's max-age. The upper one is how long a key that it removed is still trusted at most."""
DEFAULT_REFRESH_SECONDS = 900
"""Without a max-age."""
BACKOFF = Backoff(first=1.0, longest=60.0, jitter=0.5)
STALE_SECONDS = 24 * 3600.0
"""How long keys are used while they cannot be refreshed."""
COOLDOWN_SECONDS = 10.0
"""Tokens with an unknown kid, which anybody can make, cause at most one refresh in this time."""
WAIT_SECONDS = 2.0
"""How long a request waits for such a refresh."""


class Provider:
    """Holds the keys of `issuer`, from `jwks_url` or from the URL in its discovery document. Refreshes while entered.

    Entering does not wait: the service starts without the provider. A refresh that fails, or gives no usable key, is
    tried again with a growing pause; meanwhile the old keys are used, for STALE_SECONDS.
    """

    def __init__(
        self, issuer: str, jwks_url: str | None, fetch: Fetch, *, now: Clock, sleep: Sleep, random: RandomBytes
    ) -> None:
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._fetch = fetch
        self._now = now
        self._sleep = sleep
        self._random = random
        self._keeping: asyncio.Task[None] | None = None
        self._refreshing: asyncio.Task[float | None] | None = None
        self._refreshed_at: float | None = None
        self.newest: KeySet | None = None
        """The keys of the last refresh that succeeded, however old."""
        self.usable_until = 0.0
        """Until when these keys are used, in seconds since the epoch."""

    async def __aenter__(self) -> Self:
        self._keeping = asyncio.create_task(self._keep_fresh(), name="oidc keys")
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in (self._keeping, self._refreshing):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    def keys(self) -> KeySet:
        """The trusted keys. Raises Unavailable("oidc") while there are none, or they are too old."""
        if self.newest is None:
            raise Unavailable("oidc", "no keys could be fetched yet")
        if self._now() >= self.usable_until:
            raise Unavailable("oidc", "its keys are too old and could not be refreshed")
        return self.newest

    async def refresh_soon(self) -> None:
        """Wait for a refresh, which all callers share, for WAIT_SECONDS at most.

        Returns at once when the last one began less than COOLDOWN_SECONDS ago and has ended.
        """
        cooling = self._refreshed_at is not None and 0 <= self._now() - self._refreshed_at < COOLDOWN_SECONDS
        if not cooling or self._is_refreshing():
            await asyncio.wait({self._refresh()}, timeout=WAIT_SECONDS)

    def _is_refreshing(self) -> bool:
        return self._refreshing is not None and not self._refreshing.done()

    def _refresh(self) -> asyncio.Task[float | None]:
        """The refresh in progress, or a new one: for how many seconds its keys are valid, or None when it failed."""
        if self._refreshing is None or self._refreshing.done():
            self._refreshed_at = self._now()
            self._refreshing = asyncio.create_task(self._fetch_keys(), name="oidc refresh")
        return self._refreshing

    async def _keep_fresh(self) -> None:
        failures = 0
        while True:
            task = self._refresh()
            await asyncio.wait({task})
            fresh_seconds = task.result()
            # At random, so that pods that started or failed together do not refresh together.
            if fresh_seconds is None:
                failures += 1
                await self._sleep(BACKOFF.pause(failures, self._uniform))
            else:
                failures = 0
                await self._sleep(max(REFRESH_SECONDS[0], self._uniform(0.9 * fresh_seconds, fresh_seconds)))

    def _uniform(self, low: float, high: float) -> float:
        return low + (high - low) * int.from_bytes(self._random(2)) / 0xFFFF

    async def _fetch_keys(self) -> float | None:
        try:
            document = await self._fetch(self._jwks_url or await self._discovered())
            keys = _parsed(document)
        except Unavailable as error:
            held = "the old keys are still used" if self.newest else "there are no keys yet"
            log.warning("the OpenID provider's keys could not be refreshed: %s; %s", error.detail, held)
            return None
        # A library may raise anything for a hostile document, and an exception here would end all refreshing.
        except Exception as error:  # noqa: BLE001
            log.warning("the OpenID provider's keys could not be refreshed: %s", type(error).__name__)
            return None
        if self.newest is None or self.newest.keys != keys.keys:
            log.info("the OpenID provider's keys changed", extra={"keys": len(keys.keys), "skipped": keys.skipped})
            self.newest = keys
        self.usable_until = self._now() + STALE_SECONDS
        shortest, longest = REFRESH_SECONDS
        return min(max(shortest, DEFAULT_REFRESH_SECONDS if document.max_age is None else document.max_age), longest)

    async def _discovered(self) -> str:
        document = await self._fetch(self._issuer.removesuffix("/") + DISCOVERY)
        try:
            found = parse_object(document.body)
        except Malformed as error:
            raise Unavailable("oidc", f"the discovery document is not valid: {error}") from None
        url = found.get("jwks_uri")
        if found.get("issuer") != self._issuer:
            raise Unavailable("oidc", "the discovery document names another issuer")
        if not (isinstance(url, str) and is_secure(url)) or self._is_downgrade(url):
            raise Unavailable("oidc", "the discovery document's jwks_uri is not an https URL")
        return url

    def _is_downgrade(self, url: str) -> bool:
        return self._issuer.startswith("https:") and not url.startswith("https:")


def _parsed(document: Document) -> KeySet:
    try:
        return KeySet.parse(document.body)
    except Malformed as error:
        raise Unavailable("oidc", f"the JWKS document is not valid: {error}") from None
