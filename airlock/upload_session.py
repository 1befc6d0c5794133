"""Upload sessions: short-lived tokens that let a browser upload for one owner, within a count and a number of bytes.

A token is `airlock_session_` and the base64url (RFC 4648, section 5, without padding) of:

    16 random bytes, the session's id
    4  end, seconds since the epoch, big-endian
    4  uploads, big-endian
    8  bytes, big-endian
    2+ the profile, in UTF-8, behind its length; likewise the owner, and the tenant where there is one
    32 MAC: HMAC-SHA-256 over a label and all of the above

Whoever holds a token can read it; nobody without the secret can make or change one.
"""

import base64
import hmac
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from airlock import upload_id
from airlock.errors import AirlockError
from airlock.upload_id import UploadId

TOKEN_PREFIX = "airlock_session_"  # noqa: S105 # how such a token begins, so that scanners of leaks can find one
RANDOM_BYTES = 16
MAX_LIFETIME = 24 * 3600
MAX_UPLOADS = 1_000_000
# The largest whole number that JSON carries everywhere (RFC 8259, section 6).
MAX_BYTES = 2**53 - 1
# 128 characters, as an owner may have, take four times as many bytes at most.
MAX_TEXT = 512

_LABEL = b"airlock upload session v1\0"
_UPLOAD_LABEL = b"airlock upload of a session v1\0"
_UPLOAD_MARK = 4
_MAC = 32
_NUMBERS = Struct(">16sIIQ")
_SMALLEST, _LARGEST = _NUMBERS.size + 2 * 2 + _MAC, _NUMBERS.size + 3 * (2 + MAX_TEXT) + _MAC
_ID = re.compile(rf"[0-9a-f]{{{RANDOM_BYTES * 2}}}\Z")
_FORM = re.compile(rf"{TOKEN_PREFIX}([A-Za-z0-9_-]{{{_SMALLEST * 4 // 3},{_LARGEST * 4 // 3 + 1}}})\Z")


class InvalidSession(AirlockError):
    """The text is no token of ours that still holds. It does not say which part is wrong, on purpose."""


class Session(NamedTuple):
    """What a session allows: `max_uploads` uploads of `max_bytes` bytes in all, for one owner under one profile.

    `expires_at` is in seconds since the epoch, UTC.
    """

    id: str
    owner: str
    tenant: str | None
    profile: str
    max_uploads: int
    max_bytes: int
    expires_at: int


def mint(session: Session, now: int, secrets: Sequence[bytes]) -> str:
    """The token of a new session, signed with the first of `secrets`.

    Its id is sixteen unpredictable bytes in hexadecimal; it ends 1 to 86,400 seconds after `now` (seconds since the
    epoch); `max_uploads` is 1 to 1,000,000; the texts are 512 bytes long at most. Raises ValueError when one of them
    is out of its range.
    """
    if not _ID.match(session.id):
        raise ValueError(f"id must be {RANDOM_BYTES} bytes in hexadecimal")
    _within("lifetime", session.expires_at - now, 1, MAX_LIFETIME)
    _within("expires_at", session.expires_at, 0, 2**32 - 1)
    _within("max_uploads", session.max_uploads, 1, MAX_UPLOADS)
    _within("max_bytes", session.max_bytes, 1, MAX_BYTES)
    plain = _encode(session)
    text = base64.urlsafe_b64encode(plain + _mac(plain, secrets[0])).rstrip(b"=")
    return TOKEN_PREFIX + text.decode("ascii")


def verify(text: str, now: float, secrets: Sequence[bytes]) -> Session:
    """The session of a token that one of `secrets` signed and that has not ended at `now` (seconds since the epoch).

    Raises InvalidSession for everything else.
    """
    raw = _decode(text)
    plain, mac = raw[:-_MAC], raw[-_MAC:]
    # Every secret is tried, so that the time taken does not tell which one signed.
    signed = [hmac.compare_digest(mac, _mac(plain, secret)) for secret in secrets]
    if not any(signed):
        raise InvalidSession
    session = _session(plain)
    if now >= session.expires_at:
        raise InvalidSession
    return session


def random_of_upload(session: Session, random: bytes, secret: bytes) -> bytes:
    """The random bytes of an upload id by which the session's own uploads are known: see `made`.

    `random` is `upload_id.RANDOM_BYTES` unpredictable bytes. Half of them stay as they are. The others become a mark,
    which nobody without the secret can tell from random bytes.
    """
    kept = random[: upload_id.RANDOM_BYTES - _UPLOAD_MARK]
    return kept + _mark(session, kept, secret)


def made(session: Session, upload: UploadId, secrets: Sequence[bytes]) -> bool:
    """Whether the session made this upload. Of another's, one in four thousand million is taken for its own."""
    random = bytes.fromhex(upload.text)[: upload_id.RANDOM_BYTES]
    kept, mark = random[:-_UPLOAD_MARK], random[-_UPLOAD_MARK:]
    # Every secret is tried, as above.
    marked = [hmac.compare_digest(mark, _mark(session, kept, secret)) for secret in secrets]
    return any(marked)


def _mark(session: Session, kept: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, _UPLOAD_LABEL + bytes.fromhex(session.id) + kept, "sha256")[:_UPLOAD_MARK]


def _within(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} must be {least} to {most}, not {value}")


def _encode(session: Session) -> bytes:
    numbers = _NUMBERS.pack(bytes.fromhex(session.id), session.expires_at, session.max_uploads, session.max_bytes)
    texts = [session.profile, session.owner] + ([] if session.tenant is None else [session.tenant])
    return numbers + b"".join(map(_framed, texts))


def _framed(text: str) -> bytes:
    raw = text.encode("utf-8")
    _within("a text's length in bytes", len(raw), 0, MAX_TEXT)
    return len(raw).to_bytes(2, "big") + raw


def _mac(plain: bytes, secret: bytes) -> bytes:
    mac = _keyed(secret).copy()
    mac.update(plain)
    return mac.digest()


@lru_cache(maxsize=32)
def _keyed(secret: bytes) -> hmac.HMAC:
    return hmac.new(secret, _LABEL, "sha256")


def _decode(text: str) -> bytes:
    found = _FORM.match(text)
    # No number of bytes is written with one digit over a multiple of four.
    if found is None or len(found[1]) % 4 == 1:
        raise InvalidSession
    raw = base64.urlsafe_b64decode(found[1] + "==")
    # The bits behind the last byte are not read, and would make several texts of one session.
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") != found[1]:
        raise InvalidSession
    return raw


def _session(plain: bytes) -> Session:
    random, expires_at, max_uploads, max_bytes = _NUMBERS.unpack_from(plain)
    profile, owner, *tenant = _texts(plain[_NUMBERS.size :])
    return Session(
        id=random.hex(),
        owner=owner,
        tenant=tenant[0] if tenant else None,
        profile=profile,
        max_uploads=max_uploads,
        max_bytes=max_bytes,
        expires_at=expires_at,
    )


def _texts(framed: bytes) -> Iterator[str]:
    while framed:
        end = 2 + int.from_bytes(framed[:2], "big")
        yield framed[2:end].decode("utf-8")
        framed = framed[end:]
