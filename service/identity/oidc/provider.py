"""An OpenID provider's keys, kept fresh in the background: whoever needs a key that is held never waits."""

import asyncio
import contextlib
import logging
from typing import Self

from airlock.backoff import Backoff
from airlock.callables import Clock, Sleep
from airlock.errors import Unavailable
from service.identity.oidc.addresses import is_private
from service.identity.oidc.fetching import Document, Fetch
from service.identity.oidc.jwks import KeySet
from service.identity.oidc.strict_json import Malformed, parse_object
from service.ports import Random

log = logging.getLogger(__name__)

# https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
DISCOVERY = "/.well-known/openid-configuration"
REFRESH_SECONDS = (300, 3600)
"""The provider's max-age within these: how long a key that it took back is believed at most, while it answers."""
USUAL_SECONDS = 900
"""Where the provider names no max-age."""
BACKOFF = Backoff(first=1.0, longest=60.0, jitter=0.5)
KEPT_SECONDS = 24 * 3600.0
"""How long keys are used while no newer ones can be had."""
COOLDOWN = 10.0
"""Tokens of unknown keys, which anybody can make, cause one refresh in this time."""
PATIENCE = 2.0
"""How long a request waits for such a refresh."""


class Provider:
    """The keys of `issuer`, from `jwks_url` or from where its discovery document says, while this is entered.

    Entering does not wait: a provider that is away does not keep the service from starting. A refresh that fails, or
    gives nothing that can be used, is tried again after a growing pause, and the keys held go on being used, for
    KEPT_SECONDS.
    """

    def __init__(
        self, issuer: str, jwks_url: str | None, fetch: Fetch, *, now: Clock, sleep: Sleep, random: Random
    ) -> None:
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._fetch = fetch
        self._now = now
        self._sleep = sleep
        self._random = random
        self._keeping: asyncio.Task[None] | None = None
        self._refreshing: asyncio.Task[float | None] | None = None
        self._asked_at: float | None = None
        self.newest: KeySet | None = None
        """The last keys that could be had, however old."""
        self.usable_until = 0.0
        """Until when they are used, in seconds since the epoch."""

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
        """The keys to believe now. Raises Unavailable("oidc") while there are none, or only too old ones."""
        if self.newest is None:
            raise Unavailable("oidc", "its keys could not be fetched yet")
        if self._now() >= self.usable_until:
            raise Unavailable("oidc", "its keys could not be refreshed for too long")
        return self.newest

    async def ask_again(self) -> None:
        """Return after a refresh that all who ask share, or without one: within COOLDOWN of the last, or when it
        takes longer than PATIENCE.
        """
        cooling = self._asked_at is not None and 0 <= self._now() - self._asked_at < COOLDOWN
        if not cooling or self._is_refreshing():
            await asyncio.wait({self._refresh()}, timeout=PATIENCE)

    def _is_refreshing(self) -> bool:
        return self._refreshing is not None and not self._refreshing.done()

    def _refresh(self) -> asyncio.Task[float | None]:
        """The refresh that is under way, or a new one. It gives the seconds for which its keys hold, None for none."""
        if self._refreshing is None or self._refreshing.done():
            self._asked_at = self._now()
            self._refreshing = asyncio.create_task(self._take_keys(), name="oidc refresh")
        return self._refreshing

    async def _keep_fresh(self) -> None:
        failures = 0
        while True:
            task = self._refresh()
            await asyncio.wait({task})
            fresh_seconds = task.result()
            # Pods that were started together, or met the same failure, do not ask together for ever.
            if fresh_seconds is None:
                failures += 1
                await self._sleep(BACKOFF.pause(failures, self._uniform))
            else:
                failures = 0
                await self._sleep(max(REFRESH_SECONDS[0], self._uniform(0.9 * fresh_seconds, fresh_seconds)))

    def _uniform(self, low: float, high: float) -> float:
        return low + (high - low) * int.from_bytes(self._random(2)) / 0xFFFF

    async def _take_keys(self) -> float | None:
        try:
            document = await self._fetch(self._jwks_url or await self._discovered())
            keys = _parsed(document)
        except Unavailable as error:
            kept = "keeping those held" if self.newest else "there are none yet"
            log.warning("the OpenID provider's keys could not be refreshed: %s; %s", error.detail, kept)
            return None
        # Documents of others go through libraries of others: whatever those throw must not end the refreshing.
        except Exception as error:  # noqa: BLE001
            log.warning("the OpenID provider's keys could not be refreshed: %s", type(error).__name__)
            return None
        if self.newest is None or self.newest.keys != keys.keys:
            log.info("the OpenID provider's keys changed", extra={"keys": len(keys.keys), "skipped": keys.skipped})
            self.newest = keys
        self.usable_until = self._now() + KEPT_SECONDS
        shortest, longest = REFRESH_SECONDS
        return min(max(shortest, USUAL_SECONDS if document.max_age is None else document.max_age), longest)

    async def _discovered(self) -> str:
        document = await self._fetch(self._issuer.removesuffix("/") + DISCOVERY)
        try:
            found = parse_object(document.body)
        except Malformed as error:
            raise Unavailable("oidc", f"the discovery document is refused: {error}") from None
        url = found.get("jwks_uri")
        if found.get("issuer") != self._issuer:
            raise Unavailable("oidc", "the discovery document is another issuer's")
        if not (isinstance(url, str) and is_private(url)) or self._leads_down(url):
            raise Unavailable("oidc", "the discovery document's jwks_uri is not an https address")
        return url

    def _leads_down(self, url: str) -> bool:
        return self._issuer.startswith("https:") and not url.startswith("https:")


def _parsed(document: Document) -> KeySet:
    try:
        return KeySet.parse(document.body)
    except Malformed as error:
        raise Unavailable("oidc", f"the list of keys is refused: {error}") from None
