"""Authentication of callers by static token, upload session or OIDC token; the form of a token says which it is."""

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
        """The caller of a token that was verified before and is still valid; None when it must be verified."""
        ...

    async def verify(self, token: str) -> Caller:
        """The caller of a token. Raises InvalidToken, and Unavailable("oidc") without the provider's keys."""
        ...

    def is_available(self) -> bool:
        """Whether tokens can be verified now."""
        ...


class SessionTokens(Protocol):
    """Tokens of upload sessions."""

    def find(self, token: str) -> Caller | None:
        """The caller of a token that we signed and that has not expired."""
        ...


@dataclass(frozen=True, slots=True)
class Callers:
    """The kinds of tokens that are accepted. With `anonymous`, a caller without a token is the anonymous owner."""

    static: StaticTokens
    oidc: OidcTokens | None = None
    sessions: SessionTokens | None = None
    anonymous: bool = False

    def with_anonymous(self) -> Self:
        """The same, with the anonymous caller for requests without a token."""
        return replace(self, anonymous=True)

    def identify(self, authorization: str | None) -> Caller | Awaitable[Caller]:
        """The caller of an Authorization header; an awaitable of it for an OIDC token that must be verified.

        Raises Refused("unauthenticated").
        """
        if authorization is None:
            if self.anonymous:
                return ANONYMOUS
            raise Refused("unauthenticated", "Send 'Authorization: Bearer <token>'")
        if authorization[: len(SCHEME)].lower() != SCHEME:
            raise Refused("unauthenticated", "The Authorization header must be 'Bearer <token>'")
        token = authorization[len(SCHEME) :].strip()
        if self.oidc is not None and token.count(".") == 2:
            return self.oidc.find(token) or self.oidc.verify(token)
        known = self.sessions if token.startswith(TOKEN_PREFIX) else self.static
        caller = known.find(token) if known else None
        if caller is None:
            raise InvalidToken("Unknown or expired token")
        return caller
