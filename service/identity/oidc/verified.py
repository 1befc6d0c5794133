"""Tokens that were verified, so that a second request with one costs a look-up."""

import hashlib
from collections import OrderedDict
from typing import NamedTuple

from service.identity.caller import Caller
from service.identity.oidc.jwks import Key, KeySet

MAX_TOKENS = 10_000


class Verified(NamedTuple):
    """Whose token it is, which key signed it, and until when (seconds since the epoch) it is believed for that."""

    caller: Caller
    key: Key
    until: float


class VerifiedTokens:
    """The tokens used last, at most `size`. Only their SHA-256 are held: a dump of the memory gives none away.

    What was refused is not held. It would be the attacker who chose what is, and refusing again is bounded: 8 KiB are
    read and at most one signature is verified, as much as a new token costs that is in order.
    """

    def __init__(self, size: int = MAX_TOKENS) -> None:
        self._size = size
        self._by_digest: OrderedDict[bytes, Verified] = OrderedDict()
        self._keys: KeySet | None = None

    def find(self, token: str, keys: KeySet | None, now: float) -> Caller | None:
        """The caller of a token, while one of `keys` is the one that signed it."""
        if keys is not self._keys:
            self._forget_others(keys)
        digest = _digest(token)
        found = self._by_digest.get(digest)
        if found is None:
            return None
        if now >= found.until:
            del self._by_digest[digest]
            return None
        self._by_digest.move_to_end(digest)
        return found.caller

    def keep(self, token: str, verified: Verified) -> None:
        """Believe the token for a while."""
        self._by_digest[_digest(token)] = verified
        if len(self._by_digest) > self._size:
            self._by_digest.popitem(last=False)

    def __len__(self) -> int:
        return len(self._by_digest)

    def _forget_others(self, keys: KeySet | None) -> None:
        held = frozenset(keys.keys if keys else ())
        for digest in [digest for digest, each in self._by_digest.items() if each.key not in held]:
            del self._by_digest[digest]
        self._keys = keys


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
