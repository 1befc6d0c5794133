"""Upload ids: opaque, unguessable, bound to their owner, and self-describing to whoever holds the secret.

Thirty bytes, written as 60 lower-case hexadecimal digits:

    8  random bytes, first, so that keys spread over S3's partitions
    4  issue time, seconds since the epoch, big-endian
    3  lifetime, seconds, big-endian
    15 MAC: HMAC-SHA-256, truncated to 120 bits, over a label, the first 15 bytes, and the owner
"""

import hmac
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from airlock.errors import AirlockError

RANDOM_BYTES = 8
LENGTH = 60
MAX_LIFETIME = 7 * 24 * 3600

FORM = rf"^[0-9a-f]{{{LENGTH}}}$"
"""A regular expression for what may be the text of an id."""

_FORM = re.compile(rf"[0-9a-f]{{{LENGTH}}}\Z")
_PLAIN = RANDOM_BYTES + 4 + 3
_ISSUED = slice(RANDOM_BYTES, RANDOM_BYTES + 4)
_LIFETIME = slice(RANDOM_BYTES + 4, _PLAIN)
_MAC = 15
_LABEL = b"airlock upload id v1\0"


class InvalidUploadId(AirlockError):
    """The text is not an upload id of ours for this owner. It does not say which part is wrong, on purpose."""


class UploadId(NamedTuple):
    """What an upload id says: `issued_at` in seconds since the epoch, UTC; `lifetime` in seconds."""

    text: str
    issued_at: int
    lifetime: int

    @property
    def expires_at(self) -> int:
        """When the policy of this upload stops being usable, in seconds since the epoch, UTC."""
        return self.issued_at + self.lifetime


def mint(random: bytes, now: int, lifetime: int, owner: str, secrets: Sequence[bytes]) -> UploadId:
    """Make an id for `owner`, signed with the newest secret (the first of `secrets`).

    `random` is eight unpredictable bytes; `now` is in seconds since the epoch; `lifetime` is 1 to 604,800 seconds.
    Raises ValueError when one of them is out of its range.
    """
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"random must be {RANDOM_BYTES} bytes, not {len(random)}")
    if not 0 < lifetime <= MAX_LIFETIME:
        raise ValueError(f"lifetime must be 1 to {MAX_LIFETIME} seconds, not {lifetime}")
    if not 0 <= now < 2**32:
        raise ValueError(f"now must be seconds since the epoch that fit 32 bits, not {now}")
    plain = random + now.to_bytes(4, "big") + lifetime.to_bytes(3, "big")
    text = (plain + _mac(plain, owner, secrets[0])).hex()
    return UploadId(text, now, lifetime)


def verify(text: str, owner: str, secrets: Sequence[bytes]) -> UploadId:
    """Read an id that one of `secrets` signed for `owner`; raises InvalidUploadId for everything else.

    An expired id still verifies: whether that matters is the caller's question.
    """
    raw = _decoded(text)
    plain, mac = raw[:_PLAIN], raw[_PLAIN:]
    # Every secret is tried, so that the time taken does not tell which one signed.
    signed = [hmac.compare_digest(mac, _mac(plain, owner, secret)) for secret in secrets]
    if not any(signed):
        raise InvalidUploadId
    return _said(text, raw)


def unverified(text: str) -> UploadId:
    """What an id says, whoever wrote it; raises InvalidUploadId for what is not of the form."""
    return _said(text, _decoded(text))


def _decoded(text: str) -> bytes:
    # `fromhex` alone would also read capitals and skip white space.
    if not _FORM.match(text):
        raise InvalidUploadId
    return bytes.fromhex(text)


def _said(text: str, raw: bytes) -> UploadId:
    return UploadId(text, int.from_bytes(raw[_ISSUED], "big"), int.from_bytes(raw[_LIFETIME], "big"))


def _mac(plain: bytes, owner: str, secret: bytes) -> bytes:
    mac = _keyed(secret).copy()
    mac.update(plain + owner.encode("utf-8"))
    return mac.digest()[:_MAC]


@lru_cache(maxsize=32)
def _keyed(secret: bytes) -> hmac.HMAC:
    return hmac.new(secret, _LABEL, "sha256")
