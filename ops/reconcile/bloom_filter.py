"""A set of names in a fixed amount of memory."""

import hashlib
from collections.abc import Iterator

BITS = 2**26
HASHES = 4


class BloomFilter:
    """A Bloom filter of 8 MiB. It holds every name that was added, and with a small probability others.

    That probability is 1 in 90,000 after a million names, and 1 in 25 after ten million. With another `salt` (up to 16
    bytes) other names are concerned, so that what one run overlooks is found by the next.

    Source: Bloom, "Space/time trade-offs in hash coding with allowable errors", CACM 13 (7), 1970.
    """

    def __init__(self, salt: bytes) -> None:
        self._salt = salt
        self._bits = bytearray(BITS // 8)

    def add(self, name: str) -> None:
        """Add `name`."""
        for position in self._positions(name):
            self._bits[position >> 3] |= 1 << (position & 7)

    def __contains__(self, name: str) -> bool:
        return all(self._bits[position >> 3] >> (position & 7) & 1 for position in self._positions(name))

    def _positions(self, name: str) -> Iterator[int]:
        digest = hashlib.blake2b(name.encode(), digest_size=4 * HASHES, salt=self._salt).digest()
        return (int.from_bytes(digest[at : at + 4], "big") % BITS for at in range(0, 4 * HASHES, 4))
