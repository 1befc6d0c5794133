"""Static bearer tokens: a TOML file of owners, in which only the SHA-256 of each token stands."""

import hashlib
import hmac
import tomllib
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from airlock.errors import AirlockError
from service.identity.caller import Caller


class TokensError(AirlockError):
    """The tokens file breaks rules; the message lists all of them, a line each."""


# An owner travels in a header of S3 and is part of keys: printable, and short.
Name = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
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

    @classmethod
    def load(cls, text: str) -> Self:
        """Read the text of a tokens file; raises TokensError with all problems, and never quotes a value."""
        try:
            tokens = _File.model_validate(tomllib.loads(text)).tokens
        except ValidationError as error:
            raise TokensError("\n".join(_lines(error))) from None
        except tomllib.TOMLDecodeError as error:
            raise TokensError(f"is not TOML: {error}") from None
        found = {bytes.fromhex(token.sha256): token.caller() for token in tokens}
        if len(found) != len(tokens):
            raise TokensError("tokens: the same sha256 stands in it twice")
        return cls(found)

    def find(self, token: str) -> Caller | None:
        """The caller behind a token."""
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
