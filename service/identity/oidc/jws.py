"""Parses a signed token in its compact form (RFC 7515, section 7.1), strictly: each token has exactly one text."""

import base64
from typing import Any, NamedTuple

from service.identity.caller import InvalidToken
from service.identity.oidc.strict_json import Malformed, parse_object

MAX_TOKEN = 8 * 1024
"""The longest token that is parsed, in characters."""
MAX_KID = 256

# A provider signs more than access tokens with its keys. A logout token (OpenID Back-Channel Logout 1.0) and a security
# event (RFC 8417) have a typ of their own and are refused. An ID token has "JWT", as most access tokens do.
_TYPES = {"jwt", "at+jwt", "application/jwt", "application/at+jwt"}


class Jws(NamedTuple):
    """A parsed token. Nothing of it is verified yet."""

    algorithm: str
    kid: str | None
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def read(token: str) -> Jws:
    """Parse a token. Raises InvalidToken.

    Of its header only typ, alg and kid are used: a key, or a URL of keys, that the token itself names (jwk, jku, x5c,
    x5u) must never be trusted.
    """
    if len(token) > MAX_TOKEN:
        raise InvalidToken(f"The token is longer than {MAX_TOKEN} characters")
    parts = token.encode("utf-8", "surrogateescape").split(b".")
    if len(parts) != 3:
        raise InvalidToken("The token must have three parts")
    header, payload, signature = map(_decode, parts)
    names = _object(header, "header")
    return Jws(
        algorithm=_algorithm(names),
        kid=_kid(names),
        claims=_object(payload, "payload"),
        signed=b".".join(parts[:2]),
        signature=signature,
    )


def _decode(part: bytes) -> bytes:
    try:
        decoded = base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except ValueError:
        decoded = b""
    # The decoder ignores foreign characters and spare bits. Encoding again reveals them.
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != part:
        raise InvalidToken("Each part of the token must be base64url without padding")
    return decoded


def _object(data: bytes, name: str) -> dict[str, Any]:
    try:
        return parse_object(data)
    except Malformed as error:
        raise InvalidToken(f"The token's {name} cannot be read: {error}") from None


def _algorithm(header: dict[str, Any]) -> str:
    if "crit" in header:
        raise InvalidToken("The token's header requires extensions (crit); none is supported")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise InvalidToken("typ must be JWT or at+jwt")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str):
        raise InvalidToken("The token's header has no alg")
    return algorithm


def _kid(header: dict[str, Any]) -> str | None:
    kid = header.get("kid")
    if "kid" in header and not (isinstance(kid, str) and 0 < len(kid) <= MAX_KID):
        raise InvalidToken(f"kid must be a string of 1 to {MAX_KID} characters")
    return kid
