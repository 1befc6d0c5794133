"""Static bearer tokens: a TOML file of owners, with the SHA-256 of each token instead of the token."""

import hashlib
import hmac
import tomllib
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from airlock.errors import AirlockError
from service.identity.caller import Caller
from service.models.names import Name


class TokensError(AirlockError):
    """The tokens file breaks rules; the message lists all of them, one on each line."""


Text = Annotated[str, StringConstraints(min_length=1)]


class _Token(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    owner: Name
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")]
    profiles: list[Text] = ["*"]
    tenant: Name | None = None
    scopes: list[Text] = []
    sessions_for: list[Text] = []

    def caller(self) -> Caller:
        return Caller(
            owner=self.owner,
            profiles=tuple(self.profiles),
            tenant=self.tenant,
            scopes=frozenset(self.scopes),
            sessions_for=tuple(self.sessions_for),
        )


class _File(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    tokens: list[_Token] = Field(min_length=1)


class StaticTokens:
    """The owners of a tokens file, by the digest of their token."""

    def __init__(self, by_digest: Mapping[bytes, Caller]) -> None:
        self._by_digest = by_digest

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._by_digest)

    @classmethod
    def load(cls, text: str) -> Self:
        """Parse a tokens file; raises TokensError, which lists all broken rules and quotes no value."""
        try:
            tokens = _File.model_validate(tomllib.loads(text)).tokens
        except ValidationError as error:
            raise TokensError("\n".join(_lines(error))) from None
        except tomllib.TOMLDecodeError as error:
            raise TokensError(f"is not TOML: {error}") from None
        found = {bytes.fromhex(token.sha256): token.caller() for token in tokens}
        if len(found) != len(tokens):
            raise TokensError("tokens: two have the same sha256")
        return cls(found)

    def find(self, token: str) -> Caller | None:
        """The caller of a token."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        found = None
        # All are compared, each in constant time, so that the time taken reveals nothing about any of them.
        for known, caller in self._by_digest.items():
            if hmac.compare_digest(known, digest):
                found = caller
        return found


def _lines(error: ValidationError) -> list[str]:
    items = error.errors(include_url=False, include_input=False)
    return [f"{'.'.join(map(str, item['loc'])) or 'tokens'}: {item['msg']}" for item in items]
