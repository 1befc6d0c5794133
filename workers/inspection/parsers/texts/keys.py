"""Keys in cards (vCard's KEY): a certificate in DER (X.690) or a public key of OpenPGP (RFC 9580, 4.2).

Programs put them into their store of keys, and open them as nothing else. So their outermost structure has to be all of
the bytes, and no part of it a file for another program.
"""

import io

from workers.inspection.identification.sample import Sample
from workers.inspection.parsers.archives.hidden import formats_in

_SEQUENCE = 0x30
_PUBLIC_KEY = 6
# Besides the key: signatures, subkeys, user ids, trust, user attributes.
_PACKETS = frozenset({2, _PUBLIC_KEY, 12, 13, 14, 17})


def is_key(content: bytes) -> bool:
    """Whether `content` is one certificate or one public key, and nothing besides."""
    if not (_is_sequence(content) or _is_public_key(content)):
        return False
    return not formats_in(Sample(io.BytesIO(content), len(content)))


def _is_sequence(content: bytes) -> bool:
    """X.690, 8.1.3: the length in one byte, or in as many as its lower bits say."""
    if len(content) < 2 or content[0] != _SEQUENCE:
        return False
    first = content[1]
    size = first & 0x7F if first & 0x80 else 0
    length = int.from_bytes(content[2 : 2 + size]) if size else first
    return 0 < length == len(content) - 2 - size


def _is_public_key(content: bytes) -> bool:
    at, tags = 0, []
    while at < len(content):
        tag, end = _packet(content, at)
        if tag not in _PACKETS or end > len(content):
            return False
        tags.append(tag)
        at = end
    return tags[:1] == [_PUBLIC_KEY]


def _packet(content: bytes, at: int) -> tuple[int, int]:
    """The tag of a packet and where it ends; (0, 0) where its length is not known."""
    head = content[at]
    if not head & 0x40:  # the old format: the length has 1, 2 or 4 bytes
        size = 1 << (head & 3)
        length = int.from_bytes(content[at + 1 : at + 1 + size])
        return (head >> 2 & 0xF, at + 1 + size + length) if head & 0x80 and size < 8 else (0, 0)
    first = content[at + 1] if at + 1 < len(content) else 224
    if first < 192:
        return head & 0x3F, at + 2 + first
    if first < 224:
        second = content[at + 2] if at + 2 < len(content) else 0
        return head & 0x3F, at + 3 + (first - 192 << 8) + second + 192
    if first == 255:
        return head & 0x3F, at + 6 + int.from_bytes(content[at + 2 : at + 6])
    return 0, 0
