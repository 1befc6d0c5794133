"""Upload sessions as tokens: minted by whoever has a token of their own, believed until they end."""

from collections.abc import Sequence

from airlock import upload_session
from airlock.callables import Clock
from airlock.upload_session import InvalidSession, Session
from service.identity.caller import Caller
from service.ports import Random


class SignedSessions:
    """Sessions that `secrets` sign (the first) and verify (all): that is all that the service knows of them."""

    def __init__(self, secrets: Sequence[bytes], now: Clock, random: Random) -> None:
        self._secrets = secrets
        self._now = now
        self._random = random

    def mint(
        self, *, owner: str, tenant: str | None, profile: str, max_uploads: int, max_bytes: int, expires_in: int
    ) -> tuple[str, Session]:
        """A new session that ends in `expires_in` seconds, and its token."""
        now = int(self._now())
        identity = self._random(upload_session.RANDOM_BYTES).hex()
        session = Session(identity, owner, tenant, profile, max_uploads, max_bytes, now + expires_in)
        return upload_session.mint(session, now, self._secrets), session

    def find(self, token: str) -> Caller | None:
        """The caller behind a token that we signed and that has not expired."""
        try:
            session = upload_session.verify(token, self._now(), self._secrets)
        except InvalidSession:
            return None
        # A profile's name holds nothing that a pattern would read otherwise.
        return Caller(session.owner, (session.profile,), session.tenant, session=session)
