"""A signed token in its compact form (RFC 7515, section 7.1), read so strictly that one token is one text."""

import base64
from typing import Any, NamedTuple

from service.identity.caller import InvalidToken
from service.identity.oidc.strict_json import Malformed, parse_object

MAX_TOKEN = 8 * 1024
"""The longest token that is looked at, in characters."""
MAX_KID = 256

# A provider signs more than tokens of access with its keys: a logout token (OpenID Back-Channel Logout 1.0) or an event
# (RFC 8417) says what it is, and is not one. An ID token says "JWT", as most tokens of access do.
_TYPES = {"jwt", "at+jwt", "application/jwt", "application/at+jwt"}


class Jws(NamedTuple):
    """What a token says, before anything of it is believed."""

    algorithm: str
    kid: str | None
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def read(token: str) -> Jws:
    """The parts of a token. Raises InvalidToken. Nothing of its header but typ, alg and kid is followed:
    a key or an address of keys that the token itself brings (jwk, jku, x5c, x5u) is nobody's.
    """
    if len(token) > MAX_TOKEN:
        raise InvalidToken(f"the token is longer than {MAX_TOKEN} characters")
    parts = token.encode("utf-8", "surrogateescape").split(b".")
    if len(parts) != 3:
        raise InvalidToken("the token does not have three parts")
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
    # The decoder skips what is not of the alphabet and drops spare bits: whatever encodes to another text was not this.
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != part:
        raise InvalidToken("a part of the token is not base64url without padding")
    return decoded


def _object(data: bytes, name: str) -> dict[str, Any]:
    try:
        return parse_object(data)
    except Malformed as error:
        raise InvalidToken(f"the token's {name} cannot be read: {error}") from None


def _algorithm(header: dict[str, Any]) -> str:
    if "crit" in header:
        raise InvalidToken("the token's header asks for extensions (crit), and none is known here")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise InvalidToken("the token's typ is not that of a token of access")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str):
        raise InvalidToken("the token's header names no alg")
    return algorithm


def _kid(header: dict[str, Any]) -> str | None:
    kid = header.get("kid")
    if "kid" in header and not (isinstance(kid, str) and 0 < len(kid) <= MAX_KID):
        raise InvalidToken(f"the token's kid is not a string of 1 to {MAX_KID} characters")
    return kid
