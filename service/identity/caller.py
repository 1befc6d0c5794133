"""Whom a request is from, and what that one may do."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from airlock.errors import Refused
from airlock.profile import Profile
from airlock.upload_session import Session


class InvalidToken(Refused):
    """A bearer token came and is not believed (RFC 6750, section 3.1). `detail` quotes nothing of it."""

    def __init__(self, detail: str) -> None:
        super().__init__("unauthenticated", detail)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the owner of what is made, and what the token is for.

    `profiles` and `sessions_for` are shell-style patterns: of the profiles that may be used, and of the owners for
    whom upload sessions may be minted (for oneself always). `session` is set for whoever came with an upload session.
    """

    owner: str
    profiles: tuple[str, ...] = ("*",)
    tenant: str | None = None
    scopes: frozenset[str] = frozenset()
    sessions_for: tuple[str, ...] = ()
    session: Session | None = None

    def require(self, profile: Profile) -> None:
        """Raises Refused("profile_forbidden") unless the token and the profile allow the use.

        An upload session was minted by somebody who has the scopes, so it needs none itself.
        """
        meant = _matches(profile.name, self.profiles)
        scoped = self.session is not None or self.scopes.issuperset(profile.scopes)
        if not (meant and scoped and profile.allows(self.owner)):
            raise Refused("profile_forbidden", f"profile {profile.name!r} is not yours to use", field="profile")

    def may_mint_for(self, owner: str) -> bool:
        """Whether upload sessions of `owner` are this caller's to mint."""
        return self.session is None and (owner == self.owner or _matches(owner, self.sessions_for))


ANONYMOUS = Caller("anonymous")


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return "*" in patterns or any(fnmatchcase(name, pattern) for pattern in patterns)
