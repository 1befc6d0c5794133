"""Bearer tokens of an OpenID provider: verified once, then known until they end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Self

from aiohttp import ClientSession, DummyCookieJar

from airlock.callables import Clock, Sleep
from airlock.errors import Unavailable
from service.identity.caller import Caller, InvalidToken
from service.identity.oidc import claims, jws
from service.identity.oidc.claims import Trust
from service.identity.oidc.fetching import fetch
from service.identity.oidc.jwks import Key
from service.identity.oidc.jws import MAX_TOKEN, Jws
from service.identity.oidc.provider import Provider
from service.identity.oidc.verified import Verified, VerifiedTokens
from service.ports import Random

BELIEVED_SECONDS = 300.0
"""How long a verified token is known before it is verified anew."""


class Oidc:
    """Tokens that `provider` signed for us, as `trust` says. An OidcTokens (service/identity/callers.py)."""

    def __init__(self, trust: Trust, provider: Provider, *, now: Clock) -> None:
        self._trust = trust
        self._provider = provider
        self._now = now
        self._verified = VerifiedTokens()

    @classmethod
    @asynccontextmanager
    async def open(cls, trust: Trust, *, now: Clock, sleep: Sleep, random: Random) -> AsyncIterator[Self]:
        """Fetch the provider's keys in the background, until the end of the block."""
        async with (
            ClientSession(cookie_jar=DummyCookieJar(), auto_decompress=False) as http,
            Provider(
                trust.issuer, trust.jwks_url, partial(fetch, http), now=now, sleep=sleep, random=random
            ) as provider,
        ):
            yield cls(trust, provider, now=now)

    def find(self, token: str) -> Caller | None:
        """The caller of a token that was verified lately, has not ended, and whose key the provider still has."""
        if len(token) > MAX_TOKEN:
            return None
        return self._verified.find(token, self._provider.newest, self._now())

    async def verify(self, token: str) -> Caller:
        """Waits only for a key that is not held. Raises InvalidToken, or Unavailable("oidc") without usable keys.

        The claims come before the key: an old token of a client that sleeps makes nobody ask the provider.
        """
        read = jws.read(token)
        if read.algorithm not in self._trust.algorithms:
            raise InvalidToken("the token's alg is not one that is accepted here")
        now = self._now()
        end = claims.check(read.claims, self._trust, now)
        key = await self._key(read)
        if not key.signed(read.algorithm, read.signed, read.signature):
            raise InvalidToken("the token's signature is not that of the provider's key")
        caller = claims.caller(read.claims, self._trust)
        until = min(end, now + BELIEVED_SECONDS, self._provider.usable_until)
        self._verified.keep(token, Verified(caller, key, until))
        return caller

    def is_away(self) -> bool:
        """Whether no token can be verified now, for want of keys."""
        try:
            self._provider.keys()
        except Unavailable:
            return True
        return False

    async def _key(self, read: Jws) -> Key:
        key = self._held(read)
        if key is None:
            await self._provider.ask_again()
            key = self._provider.keys().choose(read.algorithm, read.kid)
        if key is None:
            raise InvalidToken("the token's kid is not that of a key of the provider")
        return key

    def _held(self, read: Jws) -> Key | None:
        try:
            return self._provider.keys().choose(read.algorithm, read.kid)
        except Unavailable:
            return None
