"""What a token of an OpenID provider has to claim, and whom it makes of its bearer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from service.identity.caller import Caller, InvalidToken
from service.identity.tokens import Name

_NAME: TypeAdapter[str] = TypeAdapter(Name)


@dataclass(frozen=True, slots=True)
class Trust:
    """Which provider is believed, for what, and how its claims are read. `leeway` is in seconds.

    `owner_prefix` stands in front of every owner, so that no user of the provider is the owner of a static token.
    Whoever has `session_scope` may mint upload sessions for others.
    """

    issuer: str
    audience: frozenset[str]
    algorithms: frozenset[str]
    jwks_url: str | None = None
    owner_claim: str = "sub"
    tenant_claim: str | None = None
    scope_claim: str = "scope"
    leeway: int = 30
    owner_prefix: str = "oidc:"
    session_scope: str | None = None


Claims = Mapping[str, Any]


def check(claims: Claims, trust: Trust, now: float) -> float:
    """Raises InvalidToken unless the claims hold at `now`; returns until when they do (RFC 7519, section 4.1)."""
    if claims.get("iss") != trust.issuer:
        raise InvalidToken("the token is another issuer's (iss)")
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if not all(isinstance(each, str) for each in named) or trust.audience.isdisjoint(named):
        raise InvalidToken("the token is not for this service (aud)")
    end = _time(claims, "exp")
    if end is None:
        raise InvalidToken("the token does not say when it ends (exp)")
    if now >= end + trust.leeway:
        raise InvalidToken("the token has expired (exp)")
    for name in ("nbf", "iat"):
        begin = _time(claims, name)
        if begin is not None and now < begin - trust.leeway:
            raise InvalidToken(f"the token is not valid yet ({name})")
    return end + trust.leeway


def caller(claims: Claims, trust: Trust) -> Caller:
    """Whom the claims name. Raises InvalidToken for a name that cannot be one of ours."""
    scopes = _scopes(claims, trust.scope_claim)
    prefix, tenant = trust.owner_prefix, None
    if trust.tenant_claim is not None:
        tenant = _name(claims, trust.tenant_claim)
        if "/" in tenant:
            # With it two tenants could make the same owner: a/b + c, and a + b/c.
            raise InvalidToken(f"the claim {trust.tenant_claim!r} has a '/'")
        prefix = f"{prefix}{tenant}/"
    owner = _fitting(prefix + _name(claims, trust.owner_claim), trust.owner_claim)
    others = trust.session_scope is not None and trust.session_scope in scopes
    return Caller(owner, tenant=tenant, scopes=scopes, sessions_for=(_exactly(prefix) + "*",) if others else ())


def _time(claims: Claims, name: str) -> float | None:
    value = claims.get(name)
    if name not in claims:
        return None
    # The last second that a date of Python's can name; no clock comes near it.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 253_402_300_799:
        raise InvalidToken(f"the claim {name!r} is not a time in seconds")
    return value


def _name(claims: Claims, claim: str) -> str:
    if claim not in claims:
        raise InvalidToken(f"the token has no claim {claim!r}")
    return _fitting(claims[claim], claim)


def _fitting(name: object, claim: str) -> str:
    try:
        return _NAME.validate_python(name, strict=True)
    except ValidationError:
        raise InvalidToken(f"the claim {claim!r} is not a printable name of at most 128 characters") from None


def _scopes(claims: Claims, claim: str) -> frozenset[str]:
    given = claims.get(claim, [])
    # A string in OAuth (RFC 6749, section 3.3), a list with some providers.
    listed = given.split(" ") if isinstance(given, str) else given
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise InvalidToken(f"the claim {claim!r} is neither a string nor a list of strings")
    return frozenset(filter(None, listed))


def _exactly(text: str) -> str:
    """A shell-style pattern for this text alone."""
    return re.sub(r"([*?[])", r"[\1]", text)
