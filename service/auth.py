"""Whose request it is: static bearer tokens, of which only the SHA-256 is kept."""

import hashlib
import hmac
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from airlock.errors import AirlockError, Refused
from airlock.profiles import Profile

SCHEME = "bearer "


class TokensError(AirlockError):
    """The tokens file breaks rules; the message lists all of them, a line each."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the owner of what is made, and the profiles (shell-style patterns of names) that the token is for."""

    owner: str
    profiles: tuple[str, ...] = ("*",)

    def require(self, profile: Profile) -> None:
        """Raises Refused("profile_forbidden") unless both the token and the profile allow the use."""
        meant = "*" in self.profiles or any(fnmatchcase(profile.name, each) for each in self.profiles)
        if not (meant and profile.allows(self.owner)):
            raise Refused("profile_forbidden", f"profile {profile.name!r} is not yours to use", field="profile")


ANONYMOUS = Caller("anonymous")


class _Token(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    # An owner travels in a header of S3 and is part of keys: printable, and short.
    owner: Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")]
    profiles: list[Annotated[str, StringConstraints(min_length=1)]] = ["*"]


class _File(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    tokens: list[_Token] = Field(min_length=1)


class Callers:
    """Everybody whom the service knows, by the digest of their token."""

    def __init__(self, by_digest: Mapping[bytes, Caller], *, anonymous: Caller | None = None) -> None:
        self._by_digest = by_digest
        self._anonymous = anonymous

    @classmethod
    def load(cls, text: str) -> Self:
        """Read the text of a tokens file; raises TokensError with all problems, and never quotes a value."""
        try:
            tokens = _File.model_validate(tomllib.loads(text)).tokens
        except ValidationError as error:
            raise TokensError("\n".join(_lines(error))) from None
        except tomllib.TOMLDecodeError as error:
            raise TokensError(f"is not TOML: {error}") from None
        found = {bytes.fromhex(token.sha256): Caller(token.owner, tuple(token.profiles)) for token in tokens}
        if len(found) != len(tokens):
            raise TokensError("tokens: the same sha256 stands in it twice")
        return cls(found)

    def with_anonymous(self) -> Self:
        """The same callers, and the anonymous one for whoever brings no token at all."""
        return type(self)(self._by_digest, anonymous=ANONYMOUS)

    def identify(self, authorization: str | None) -> Caller:
        """The caller behind an Authorization header; raises Refused("unauthenticated")."""
        if authorization is None:
            if self._anonymous is None:
                raise Refused("unauthenticated", "send 'Authorization: Bearer <token>'")
            return self._anonymous
        if authorization[: len(SCHEME)].lower() != SCHEME:
            raise Refused("unauthenticated", "the Authorization header must be 'Bearer <token>'")
        caller = self._find(authorization[len(SCHEME) :].strip())
        if caller is None:
            raise Refused("unauthenticated", "the token is not one that this service knows")
        return caller

    def _find(self, token: str) -> Caller | None:
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        found = None
        # All are compared, each in constant time: how long it takes tells nothing about any of them.
        for known, caller in self._by_digest.items():
            if hmac.compare_digest(known, digest):
                found = caller
        return found


def _lines(error: ValidationError) -> list[str]:
    items = error.errors(include_url=False, include_input=False)
    return [f"{'.'.join(map(str, item['loc'])) or 'tokens'}: {item['msg']}" for item in items]
