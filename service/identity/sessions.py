"""The tokens of upload sessions: signed here, valid until they expire, and stored nowhere."""

from collections.abc import Sequence

from airlock import upload_session
from airlock.callables import Clock
from airlock.upload_session import InvalidSession, Session
from service.identity.caller import Caller
from service.ports import RandomBytes


class SignedSessions:
    """Creates and verifies tokens of upload sessions. The first of `secrets` signs, all of them verify."""

    def __init__(self, secrets: Sequence[bytes], now: Clock, random: RandomBytes) -> None:
        self._secrets = secrets
        self._now = now
        self._random = random

    def mint(
        self, *, owner: str, tenant: str | None, profile: str, max_uploads: int, max_bytes: int, expires_in: int
    ) -> tuple[str, Session]:
        """A new session that expires in `expires_in` seconds, and its token."""
        now = int(self._now())
        identity = self._random(upload_session.RANDOM_BYTES).hex()
        session = Session(identity, owner, tenant, profile, max_uploads, max_bytes, now + expires_in)
        return upload_session.mint(session, now, self._secrets), session

    def find(self, token: str) -> Caller | None:
        """The caller of a token that we signed and that has not expired."""
        try:
            session = upload_session.verify(token, self._now(), self._secrets)
        except InvalidSession:
            return None
        # As a pattern, the name of a profile matches only itself: no wildcard is allowed in it.
        return Caller(session.owner, (session.profile,), session.tenant, session=session)
