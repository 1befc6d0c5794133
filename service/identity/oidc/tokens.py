"""Verifies bearer tokens of an OpenID provider, and caches the result."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Self

from aiohttp import ClientSession, DummyCookieJar, TCPConnector

from airlock.callables import Clock, Sleep
from airlock.errors import Unavailable
from aws import egress
from service.identity.caller import Caller, InvalidToken
from service.identity.oidc import claims, jws
from service.identity.oidc.claims import Trust
from service.identity.oidc.fetching import fetch
from service.identity.oidc.jwks import Key
from service.identity.oidc.jws import MAX_TOKEN, Jws
from service.identity.oidc.provider import Provider
from service.identity.oidc.verified import Verified, VerifiedTokenCache
from service.ports import RandomBytes

CACHE_SECONDS = 300.0
"""How long a verified token is cached before it is verified again."""


class OidcVerifier:
    """Verifies tokens of `provider` by the rules of `trust`: an OidcTokens (service/identity/callers.py)."""

    def __init__(self, trust: Trust, provider: Provider, *, now: Clock) -> None:
        self._trust = trust
        self._provider = provider
        self._now = now
        self._cache = VerifiedTokenCache()

    @classmethod
    @asynccontextmanager
    async def open(cls, trust: Trust, *, now: Clock, sleep: Sleep, random: RandomBytes) -> AsyncIterator[Self]:
        """Refresh the provider's keys in the background until the end of the block."""
        async with (
            ClientSession(
                cookie_jar=DummyCookieJar(), auto_decompress=False, connector=TCPConnector(ssl=egress.authorities())
            ) as http,
            Provider(
                trust.issuer, trust.jwks_url, partial(fetch, http), now=now, sleep=sleep, random=random
            ) as provider,
        ):
            yield cls(trust, provider, now=now)

    def find(self, token: str) -> Caller | None:
        """The caller of a cached token that has not expired and whose key the provider still publishes."""
        if len(token) > MAX_TOKEN:
            return None
        return self._cache.find(token, self._provider.newest, self._now())

    async def verify(self, token: str) -> Caller:
        """The caller of a token. Waits only for a key that is not held.

        Raises InvalidToken, or Unavailable("oidc") without usable keys. The claims are checked before the key: an
        expired token must not cause a refresh.
        """
        read = jws.read(token)
        if read.algorithm not in self._trust.algorithms:
            raise InvalidToken("The token's alg is not accepted here")
        now = self._now()
        end = claims.check(read.claims, self._trust, now)
        key = await self._key(read)
        if not key.signed(read.algorithm, read.signed, read.signature):
            raise InvalidToken("The token's signature is not valid")
        caller = claims.caller(read.claims, self._trust)
        until = min(end, now + CACHE_SECONDS, self._provider.usable_until)
        self._cache.put(token, Verified(caller, key, until))
        return caller

    def is_available(self) -> bool:
        """Whether there are keys to verify tokens with."""
        try:
            self._provider.keys()
        except Unavailable:
            return False
        return True

    async def _key(self, read: Jws) -> Key:
        key = self._held(read)
        if key is None:
            await self._provider.refresh_soon()
            key = self._provider.keys().choose(read.algorithm, read.kid)
        if key is None:
            raise InvalidToken("The provider has no key with the token's kid")
        return key

    def _held(self, read: Jws) -> Key | None:
        try:
            return self._provider.keys().choose(read.algorithm, read.kid)
        except Unavailable:
            return None
