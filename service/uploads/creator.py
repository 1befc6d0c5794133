"""Creates an upload: the profile's rules, the quotas, the signature and, if there is one, the upload session."""

from collections.abc import Mapping
from typing import NamedTuple

from airlock import intent
from airlock.errors import Refused
from airlock.intent import Intent, SizeRange
from airlock.policy import Policy
from airlock.profile import Profile
from airlock.profiles import Profiles
from airlock.upload_id import UploadId
from airlock.upload_session import Session
from service.identity.caller import Caller
from service.models.requests import NewUpload
from service.ports import UploadSessions
from service.quotas.meter import Meter
from service.timeouts import with_timeout
from service.uploads.issuer import Issuer


class Created(NamedTuple):
    """A new upload, its policy, the largest size in bytes that the policy accepts, and the RateLimit headers."""

    upload: UploadId
    policy: Policy
    max_bytes: int
    headers: Mapping[str, str]


class Creator:
    """Creates uploads. An upload that is not created is charged to no quota and no session."""

    def __init__(self, profiles: Profiles, issuer: Issuer, meter: Meter, sessions: UploadSessions) -> None:
        self._profiles = profiles
        self._issuer = issuer
        self._meter = meter
        self._sessions = sessions

    async def create(self, caller: Caller, asked: NewUpload) -> Created:
        """A new upload. Waits only for a caller with an upload session: DynamoDB holds what is left of the session.

        The policy accepts fewer bytes than the profile when the session has fewer left. Raises Refused for what the
        rules, the quotas or the session do not allow, and Unavailable without usable credentials or DynamoDB.
        """
        session = caller.session
        profile, wanted = self._check(caller, asked)
        size = _size_range(profile, wanted, session)
        with self._meter.charge(caller, size.max_bytes) as charge:
            # Signed before the session is charged: what cannot be signed costs nothing.
            upload, policy = self._issuer.issue(profile, wanted, size, session)
            if session is not None and (paid := await self._spend(session, size)) < size.max_bytes:
                size = SizeRange(size.min_bytes, paid)
                upload, policy = self._issuer.issue(profile, wanted, size, session)
            charge.pay(size.max_bytes)
        return Created(upload, policy, size.max_bytes, charge.headers)

    def _check(self, caller: Caller, asked: NewUpload) -> tuple[Profile, Intent]:
        session = caller.session
        profile = self._profiles.get(session.profile if session and asked.profile is None else asked.profile)
        caller.require(profile)
        return profile, intent.check(
            profile,
            owner=caller.owner,
            tenant=caller.tenant,
            filename=asked.filename,
            content_type=asked.content_type,
            size=asked.size,
            sha256=asked.sha256,
            metadata=asked.metadata,
        )

    async def _spend(self, session: Session, size: SizeRange) -> int:
        """Charge one upload to the session; returns the largest size in bytes that was charged."""
        # A range that begins at 0 is for files too: at least one byte must be left.
        least = size.min_bytes or min(size.max_bytes, 1)
        paid = await with_timeout("dynamodb", self._sessions.spend(session, least, size.max_bytes))
        if paid is None:
            allowed = f"{session.max_uploads} uploads of {session.max_bytes} bytes in all"
            raise Refused("session_spent", f"The session allows {allowed}, and too little is left for this upload")
        return paid


def _size_range(profile: Profile, wanted: Intent, session: Session | None) -> SizeRange:
    """Exactly the declared size; without one, the profile's range, but no more than the session allows."""
    if wanted.size is not None:
        return SizeRange(wanted.size, wanted.size)
    most = profile.max_bytes if session is None else min(profile.max_bytes, session.max_bytes)
    # A range must not be empty: a session with too few bytes is refused when it is charged.
    return SizeRange(profile.min_bytes, max(profile.min_bytes, most))
