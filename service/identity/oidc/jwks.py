"""The keys that an OpenID provider publishes (RFC 7517), and which of them can have signed a token."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from jwt import PyJWS
from jwt.algorithms import Algorithm
from jwt.exceptions import PyJWTError

from service.identity.caller import InvalidToken
from service.identity.oidc.strict_json import Malformed, parse_object

MAX_KEYS = 100
# At least what NIST SP 800-131A asks for. Above the upper limit one verification takes milliseconds.
RSA_BITS = range(2048, 8193)

# The key type and the curve for each algorithm (RFC 7518, section 3.1; RFC 8037). None uses a shared secret: with one,
# whoever can verify can sign too.
_KEYS = {
    **{f"{family}{bits}": ("RSA", None) for family in ("RS", "PS") for bits in (256, 384, 512)},
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
ALGORITHMS = tuple(_KEYS)
_VERIFIERS: dict[str, Algorithm] = {name: PyJWS().get_algorithm_by_name(name) for name in ALGORITHMS}

_PUBLIC = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_SECRET = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


@dataclass(frozen=True, slots=True)
class Key:
    """One public key. Two are equal when the provider published the same members."""

    kid: str | None
    algorithm: str | None
    """The one algorithm that it is for, if the provider names it."""
    material: tuple[tuple[str, str], ...]
    """The members that define the key, `kty` first."""
    public: Any = field(compare=False)

    def fits(self, algorithm: str) -> bool:
        """Whether the key can sign with `algorithm` (one of ALGORITHMS)."""
        members = dict(self.material)
        return self.algorithm in (None, algorithm) and _KEYS[algorithm] == (members["kty"], members.get("crv"))

    def signed(self, algorithm: str, message: bytes, signature: bytes) -> bool:
        """Whether this key made `signature` over `message`. Only for an algorithm that it fits."""
        return _VERIFIERS[algorithm].verify(message, self.public, signature)


class KeySet:
    """The usable keys of one JWKS document, and the number of keys that were `skipped`."""

    def __init__(self, keys: Iterable[Key], skipped: int = 0) -> None:
        self.keys = tuple(dict.fromkeys(keys))
        self.skipped = skipped

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse a JWKS document. Raises Malformed when it is not one, has more than MAX_KEYS keys, or none to use.

        Keys that are not for signatures, are weak, are private or have an unknown type are skipped.
        """
        listed = parse_object(data).get("keys")
        if not isinstance(listed, list):
            raise Malformed("it has no list of keys")
        if len(listed) > MAX_KEYS:
            raise Malformed(f"it has more than {MAX_KEYS} keys")
        usable = [key for key in map(_key, listed) if key is not None]
        if not usable:
            raise Malformed("it has no usable key")
        return cls(usable, len(listed) - len(usable))

    def choose(self, algorithm: str, kid: str | None) -> Key | None:
        """The key that must have signed a token with this `alg` and `kid`; None when no key has this `kid`.

        Raises InvalidToken when there is no `kid` to choose between several keys, or the key does not fit `alg`.
        """
        if kid is None and len(self.keys) > 1:
            raise InvalidToken("The token has no kid, and the provider has several keys")
        named = [key for key in self.keys if kid in (None, key.kid)]
        if not named:
            return None
        fitting = next((key for key in named if key.fits(algorithm)), None)
        if fitting is None:
            raise InvalidToken("The token's alg does not fit the provider's key")
        return fitting


def _key(listed: object) -> Key | None:
    if not isinstance(listed, dict) or not _is_for_verification(listed):
        return None
    kid, algorithm, kind = listed.get("kid"), listed.get("alg"), listed.get("kty")
    names = ("kty", *_PUBLIC.get(str(kind), ()))
    material = tuple((name, value) for name in names if isinstance(value := listed.get(name), str))
    if len(names) == 1 or len(material) != len(names):
        return None
    if not (isinstance(kid, str | None) and isinstance(algorithm, str | None)):
        return None
    public = _public_key(dict(material))
    return None if public is None else Key(kid, algorithm, material, public)


def _is_for_verification(listed: dict[str, Any]) -> bool:
    operations = listed.get("key_ops", ["verify"])
    for_signatures = listed.get("use", "sig") == "sig" and isinstance(operations, Collection) and "verify" in operations
    # A private key that was published is compromised.
    return for_signatures and not _SECRET.intersection(listed)


def _public_key(material: dict[str, Any]) -> Any:
    kind = (material["kty"], material.get("crv"))
    algorithm = next((name for name, wanted in _KEYS.items() if wanted == kind), None)
    if algorithm is None:
        return None
    try:
        public = _VERIFIERS[algorithm].from_jwk(material)
    except (PyJWTError, ValueError, TypeError, OverflowError):
        return None
    return public if kind[0] != "RSA" or public.key_size in RSA_BITS else None
