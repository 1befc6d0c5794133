"""The claims of an OpenID provider's token: whether they are valid, and which caller they name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from service.identity.caller import Caller, InvalidToken
from service.models.names import Name

_NAME: TypeAdapter[str] = TypeAdapter(Name)


@dataclass(frozen=True, slots=True)
class Trust:
    """Which provider is trusted, and how its claims are read. `leeway` is in seconds.

    `owner_prefix` is put before every owner, so that no user of the provider is the owner of a static token. A caller
    with `session_scope` may create upload sessions for other owners.
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
    """Raises InvalidToken unless the claims are valid at `now`; returns until when they are (RFC 7519, section 4.1).

    Both times are in seconds since the epoch.
    """
    if claims.get("iss") != trust.issuer:
        raise InvalidToken("The token is from another issuer (iss)")
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if not all(isinstance(each, str) for each in named) or trust.audience.isdisjoint(named):
        raise InvalidToken("The token is not for this service (aud)")
    end = _time(claims, "exp")
    if end is None:
        raise InvalidToken("The token has no expiry (exp)")
    if now >= end + trust.leeway:
        raise InvalidToken("The token has expired (exp)")
    for name in ("nbf", "iat"):
        begin = _time(claims, name)
        if begin is not None and now < begin - trust.leeway:
            raise InvalidToken(f"The token is not valid yet ({name})")
    return end + trust.leeway


def caller(claims: Claims, trust: Trust) -> Caller:
    """The caller that the claims name. Raises InvalidToken for a name that no owner can have."""
    scopes = _scopes(claims, trust.scope_claim)
    prefix, tenant = trust.owner_prefix, None
    if trust.tenant_claim is not None:
        tenant = _name(claims, trust.tenant_claim)
        if "/" in tenant:
            # Otherwise two tenants could make the same owner: a/b + c, and a + b/c.
            raise InvalidToken(f"The claim {trust.tenant_claim!r} must not contain '/'")
        prefix = f"{prefix}{tenant}/"
    owner = _valid_name(prefix + _name(claims, trust.owner_claim), trust.owner_claim)
    others = trust.session_scope is not None and trust.session_scope in scopes
    return Caller(owner, tenant=tenant, scopes=scopes, sessions_for=(_exactly(prefix) + "*",) if others else ())


def _time(claims: Claims, name: str) -> float | None:
    value = claims.get(name)
    if name not in claims:
        return None
    # The last second of Python's last date.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 253_402_300_799:
        raise InvalidToken(f"The claim {name!r} must be a time in seconds")
    return value


def _name(claims: Claims, claim: str) -> str:
    if claim not in claims:
        raise InvalidToken(f"The token has no claim {claim!r}")
    return _valid_name(claims[claim], claim)


def _valid_name(name: object, claim: str) -> str:
    try:
        return _NAME.validate_python(name, strict=True)
    except ValidationError:
        raise InvalidToken(f"The claim {claim!r} must be a printable name of at most 128 characters") from None


def _scopes(claims: Claims, claim: str) -> frozenset[str]:
    given = claims.get(claim, [])
    # A string in OAuth (RFC 6749, section 3.3); some providers send a list.
    listed = given.split(" ") if isinstance(given, str) else given
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise InvalidToken(f"The claim {claim!r} must be a string or a list of strings")
    return frozenset(filter(None, listed))


def _exactly(text: str) -> str:
    """A shell-style pattern that matches only this text."""
    return re.sub(r"([*?[])", r"[\1]", text)
