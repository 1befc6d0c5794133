"""Authentication of callers by static token, upload session or OIDC token; the form of a token says which it is."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, Self

from aiohttp import hdrs

from airlock.errors import Refused
from airlock.upload_session import TOKEN_PREFIX
from service.identity.caller import ANONYMOUS, Caller, InvalidToken
from service.identity.local_pages import LocalPages
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
    """The kinds of tokens that are accepted.

    With `anonymous`, a caller without a token is the anonymous owner, unless it is a page of another site.
    """

    static: StaticTokens
    oidc: OidcTokens | None = None
    sessions: SessionTokens | None = None
    anonymous: LocalPages | None = None

    def with_anonymous(self, pages: LocalPages) -> Self:
        """The same, with the anonymous caller for requests without a token."""
        return replace(self, anonymous=pages)

    def identify(self, headers: Mapping[str, str]) -> Caller | Awaitable[Caller]:
        """The caller of a request with these headers; an awaitable of it for an OIDC token that must be verified.

        Raises Refused("unauthenticated").
        """
        authorization = headers.get(hdrs.AUTHORIZATION)
        if authorization is None:
            if self.anonymous is not None:
                self.anonymous.require(headers)
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
