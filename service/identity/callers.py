"""Everybody whom the service knows: static tokens, upload sessions and OIDC, told apart by the form of the token."""

from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import Protocol, Self

from airlock.errors import Refused
from airlock.upload_session import TOKEN_PREFIX
from service.identity.caller import ANONYMOUS, Caller, InvalidToken
from service.identity.tokens import StaticTokens

SCHEME = "bearer "


class OidcTokens(Protocol):
    """Bearer tokens of an OpenID provider."""

    def find(self, token: str) -> Caller | None:
        """The caller behind a token that was verified before and still holds; None when it has to be verified."""
        ...

    async def verify(self, token: str) -> Caller:
        """Raises InvalidToken, or Unavailable("oidc") while the provider's keys cannot be had."""
        ...

    def is_away(self) -> bool:
        """Whether no token could be verified now."""
        ...


class SessionTokens(Protocol):
    """Tokens of upload sessions."""

    def find(self, token: str) -> Caller | None:
        """The caller behind a token that we signed and that has not expired."""
        ...


@dataclass(frozen=True, slots=True)
class Callers:
    """The kinds of tokens that are believed. With `anonymous`, whoever brings none is the anonymous owner."""

    static: StaticTokens
    oidc: OidcTokens | None = None
    sessions: SessionTokens | None = None
    anonymous: bool = False

    def with_anonymous(self) -> Self:
        """The same callers, and the anonymous one for whoever brings no token at all."""
        return replace(self, anonymous=True)

    def identify(self, authorization: str | None) -> Caller | Awaitable[Caller]:
        """The caller behind an Authorization header, or, for an OIDC token not seen before, the wait for it.

        Raises Refused("unauthenticated").
        """
        if authorization is None:
            if self.anonymous:
                return ANONYMOUS
            raise Refused("unauthenticated", "send 'Authorization: Bearer <token>'")
        if authorization[: len(SCHEME)].lower() != SCHEME:
            raise Refused("unauthenticated", "the Authorization header must be 'Bearer <token>'")
        token = authorization[len(SCHEME) :].strip()
        if self.oidc is not None and token.count(".") == 2:
            return self.oidc.find(token) or self.oidc.verify(token)
        known = self.sessions if token.startswith(TOKEN_PREFIX) else self.static
        caller = known.find(token) if known else None
        if caller is None:
            raise InvalidToken("the token is not one that this service knows")
        return caller
