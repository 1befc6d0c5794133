"""Creating an upload: by the profile's rules, within quotas, and for an upload session within what it has left."""

from collections.abc import Mapping
from typing import NamedTuple

from airlock import intent
from airlock.errors import AirlockError, Refused
from airlock.intent import Intent
from airlock.policy import Policy
from airlock.profile import Profile
from airlock.profiles import Profiles
from airlock.upload_id import UploadId
from airlock.upload_session import Session
from service.identity.caller import Caller
from service.models.requests import NewUpload
from service.ports import Sessions
from service.quotas.meter import Meter
from service.timeouts import answer_of
from service.uploads.issuer import Issuer


class Created(NamedTuple):
    """A new upload, its policy and the most bytes that this takes; and header fields on what is left of the quotas."""

    upload: UploadId
    policy: Policy
    max_bytes: int
    headers: Mapping[str, str]


class Creator:
    """Creates uploads. What does not come to be costs nobody anything."""

    def __init__(self, profiles: Profiles, issuer: Issuer, meter: Meter, sessions: Sessions) -> None:
        self._profiles = profiles
        self._issuer = issuer
        self._meter = meter
        self._sessions = sessions

    def create(self, caller: Caller, asked: NewUpload) -> Created:
        """An upload for a caller with a token of their own. Waits for nothing.

        Raises Refused for what the rules or the quotas do not allow, and Unavailable without usable credentials.
        """
        profile, meant = self._checked(caller, asked, asked.profile)
        size = _size(profile, meant, profile.max_bytes)
        charge = self._meter.charge(caller, size[1])
        try:
            upload, policy = self._issuer.issue(profile, meant, size)
        except AirlockError:
            charge.undo()
            raise
        return Created(upload, policy, size[1], charge.headers)

    async def create_paid(self, caller: Caller, session: Session, asked: NewUpload) -> Created:
        """An upload that the caller's session pays for, of fewer bytes where it has no more left.

        Raises as `create`, and Refused("session_spent"), and Unavailable("dynamodb").
        """
        profile, meant = self._checked(caller, asked, session.profile if asked.profile is None else asked.profile)
        size = _size(profile, meant, min(profile.max_bytes, session.max_bytes))
        charge = self._meter.charge(caller, size[1])
        try:
            # Signed before it is paid for, so that what cannot be signed costs a session nothing.
            upload, policy = self._issuer.issue(profile, meant, size)
            paid = await self._spend(session, size)
            if paid < size[1]:
                upload, policy = self._issuer.issue(profile, meant, (size[0], paid))
        except AirlockError:
            charge.undo()
            raise
        if paid < size[1]:
            charge.lower(paid)
        return Created(upload, policy, paid, charge.headers)

    def _checked(self, caller: Caller, asked: NewUpload, profile_name: str | None) -> tuple[Profile, Intent]:
        profile = self._profiles.get(profile_name)
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

    async def _spend(self, session: Session, size: tuple[int, int]) -> int:
        """Pay for one upload of `size` (the fewest and the most bytes); returns the most that is paid for."""
        least, most = size
        # A range that begins at nothing is for files all the same: what is left must be something.
        paid = await answer_of("dynamodb", self._sessions.spend(session, least or min(most, 1), most))
        if paid is None:
            allowed = f"{session.max_uploads} uploads of {session.max_bytes} bytes in all"
            raise Refused("session_spent", f"the session allows {allowed}, and has too little left for this one")
        return paid


def _size(profile: Profile, meant: Intent, most: int) -> tuple[int, int]:
    """The fewest and the most bytes that the policy takes: the declared size, or up to `most`."""
    if meant.size is not None:
        return meant.size, meant.size
    # A range must not be empty: what a session has too few bytes for is refused when it is to pay.
    return profile.min_bytes, max(profile.min_bytes, most)
