"""The caller of a request, and what it may do."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from airlock.errors import Refused
from airlock.profile import Profile
from airlock.upload_session import Session


class InvalidToken(Refused):
    """The bearer token is not valid (RFC 6750, section 3.1). `detail` quotes nothing of it."""

    def __init__(self, detail: str) -> None:
        super().__init__("unauthenticated", detail, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller. `owner` becomes the owner of its uploads.

    `profiles` and `sessions_for` are shell-style patterns: of the profiles that it may use, and of the owners for whom
    it may create upload sessions (for itself always). `session` is the upload session that it came with, if any.
    """

    owner: str
    profiles: tuple[str, ...] = ("*",)
    tenant: str | None = None
    scopes: frozenset[str] = frozenset()
    sessions_for: tuple[str, ...] = ()
    session: Session | None = None

    def require(self, profile: Profile) -> None:
        """Raises Refused("profile_forbidden") unless both the token and the profile allow this caller to use it.

        An upload session needs no scopes: whoever created it had them.
        """
        named = _matches(profile.name, self.profiles)
        scoped = self.session is not None or self.scopes.issuperset(profile.scopes)
        if not (named and scoped and profile.allows(self.owner)):
            raise Refused("profile_forbidden", f"You may not use the profile {profile.name!r}", field="profile")

    def may_create_sessions_for(self, owner: str) -> bool:
        """Whether this caller may create upload sessions for `owner`."""
        return self.session is None and (owner == self.owner or _matches(owner, self.sessions_for))


ANONYMOUS = Caller("anonymous")


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return "*" in patterns or any(fnmatchcase(name, pattern) for pattern in patterns)
