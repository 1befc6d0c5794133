"""The keys that an OpenID provider publishes (RFC 7517), and which of them may have signed a token."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from jwt import PyJWS
from jwt.algorithms import Algorithm
from jwt.exceptions import PyJWTError

from service.identity.caller import InvalidToken
from service.identity.oidc.strict_json import Malformed, parse_object

MAX_KEYS = 100
# NIST SP 800-131A; above the second number one signature takes milliseconds.
RSA_BITS = range(2048, 8193)

# What each algorithm takes (RFC 7518, section 3.1; RFC 8037): a key's type, and its curve. With a shared secret whoever
# can verify could sign as well, so there is none among them.
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
    """One public key. Two are the same when the provider says the same of them."""

    kid: str | None
    algorithm: str | None
    """The one algorithm that it is for, where the provider names it."""
    material: tuple[tuple[str, str], ...]
    """The members that make the key, `kty` first."""
    public: Any = field(compare=False)

    def fits(self, algorithm: str) -> bool:
        """Whether signatures of `algorithm` (one of ALGORITHMS) can be this key's."""
        members = dict(self.material)
        return self.algorithm in (None, algorithm) and _KEYS[algorithm] == (members["kty"], members.get("crv"))

    def signed(self, algorithm: str, message: bytes, signature: bytes) -> bool:
        """Whether `signature` over `message` is this key's. The key has to fit."""
        return _VERIFIERS[algorithm].verify(message, self.public, signature)


class KeySet:
    """The keys of one answer of the provider that can be used, and how many others were `skipped`."""

    def __init__(self, keys: Iterable[Key], skipped: int = 0) -> None:
        self.keys = tuple(dict.fromkeys(keys))
        self.skipped = skipped

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a JWKS document. Raises Malformed when it is none, holds more than MAX_KEYS, or not one to use.

        Keys that are not for signatures, are weak, are secret or are of unknown kinds are skipped.
        """
        listed = parse_object(data).get("keys")
        if not isinstance(listed, list):
            raise Malformed("it has no list of keys")
        if len(listed) > MAX_KEYS:
            raise Malformed(f"it has more than {MAX_KEYS} keys")
        usable = [key for key in map(_key, listed) if key is not None]
        if not usable:
            raise Malformed("it has no key that can be used")
        return cls(usable, len(listed) - len(usable))

    def choose(self, algorithm: str, kid: str | None) -> Key | None:
        """The key that a token of this header must be signed by; None when no key is called `kid`.

        Raises InvalidToken when the key cannot be told, or is not one for the algorithm.
        """
        if kid is None and len(self.keys) > 1:
            raise InvalidToken("the token does not say which of the provider's keys signed it (kid)")
        named = [key for key in self.keys if kid in (None, key.kid)]
        if not named:
            return None
        fitting = next((key for key in named if key.fits(algorithm)), None)
        if fitting is None:
            raise InvalidToken("the token's alg is not that of the provider's key")
        return fitting


def _key(listed: object) -> Key | None:
    if not isinstance(listed, dict) or not _is_to_verify(listed):
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


def _is_to_verify(listed: dict[str, Any]) -> bool:
    operations = listed.get("key_ops", ["verify"])
    for_signatures = listed.get("use", "sig") == "sig" and isinstance(operations, Collection) and "verify" in operations
    # A private key that everybody can read is nobody's any more.
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
