"""A cache of verified tokens: verifying a signature takes longer than signing a policy."""

import hashlib
from collections import OrderedDict
from typing import NamedTuple

from service.identity.caller import Caller
from service.identity.oidc.jwks import Key, KeySet

MAX_TOKENS = 10_000


class Verified(NamedTuple):
    """The caller of a token, the key that signed it, and until when (seconds since the epoch) the entry is used."""

    caller: Caller
    key: Key
    until: float


class VerifiedTokenCache:
    """The `size` most recently used tokens. Only their SHA-256 is held, so that a memory dump reveals none.

    Refused tokens are not cached: attackers would then choose what the cache holds. Refusing one again costs no more
    than verifying a new valid token.
    """

    def __init__(self, size: int = MAX_TOKENS) -> None:
        self._size = size
        self._by_digest: OrderedDict[bytes, Verified] = OrderedDict()
        self._keys: KeySet | None = None

    def find(self, token: str, keys: KeySet | None, now: float) -> Caller | None:
        """The caller of a token, if it is cached, has not ended, and the key that signed it is among `keys`."""
        if keys is not self._keys:
            self._drop_other_keys(keys)
        digest = _digest(token)
        found = self._by_digest.get(digest)
        if found is None:
            return None
        if now >= found.until:
            del self._by_digest[digest]
            return None
        self._by_digest.move_to_end(digest)
        return found.caller

    def put(self, token: str, verified: Verified) -> None:
        """Cache a token."""
        self._by_digest[_digest(token)] = verified
        if len(self._by_digest) > self._size:
            self._by_digest.popitem(last=False)

    def __len__(self) -> int:
        return len(self._by_digest)

    def _drop_other_keys(self, keys: KeySet | None) -> None:
        held = frozenset(keys.keys if keys else ())
        for digest in [digest for digest, each in self._by_digest.items() if each.key not in held]:
            del self._by_digest[digest]
        self._keys = keys


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
