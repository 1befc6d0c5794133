"""Which objects were seen, in a memory that does not grow with their number."""

import hashlib
from collections.abc import Iterator

BITS = 2**26
HASHES = 4


class Seen:
    """A Bloom filter of 8 MiB: what was added is in it, and a little that was not.

    Of what was not added it takes 1 in 90,000 for seen after a million objects, and 1 in 25 after ten million. Another
    `salt` (up to 16 bytes) mistakes others, so that what one run does not notice the next one does.

    Source: Bloom, "Space/time trade-offs in hash coding with allowable errors", CACM 13 (7), 1970.
    """

    def __init__(self, salt: bytes) -> None:
        self._salt = salt
        self._bits = bytearray(BITS // 8)

    def add(self, name: str) -> None:
        """Remember `name`."""
        for place in self._places(name):
            self._bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, name: str) -> bool:
        return all(self._bits[place >> 3] >> (place & 7) & 1 for place in self._places(name))

    def _places(self, name: str) -> Iterator[int]:
        digest = hashlib.blake2b(name.encode(), digest_size=4 * HASHES, salt=self._salt).digest()
        return (int.from_bytes(digest[at : at + 4], "big") % BITS for at in range(0, 4 * HASHES, 4))
