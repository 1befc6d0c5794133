"""Upload sessions: short-lived tokens that let a browser upload for one owner, within a count and a number of bytes."""

from typing import NamedTuple

TOKEN_PREFIX = "airlock_session_"  # noqa: S105 # how such a token begins, so that scanners of leaks can find one


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
