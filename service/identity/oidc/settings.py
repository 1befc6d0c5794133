"""Settings of the OpenID provider: the variables that begin with AIRLOCK_OIDC_."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator

from aws.settings import AwsSettings, CommaSeparated
from service.identity.oidc.addresses import is_secure
from service.identity.oidc.claims import Trust
from service.identity.oidc.jwks import ALGORITHMS

NO_PREFIX = "none"


def _secure(value: str) -> str:
    if not is_secure(value):
        raise ValueError("must be an https:// URL; http:// is only for this machine")
    return value


def _issuer(value: str) -> str:
    if "?" in _secure(value):
        raise ValueError("must be a URL without a query")
    return value


def _prefix(value: str) -> str:
    # A prefix ends in a colon, so none can be confused with the word that means no prefix.
    if not re.fullmatch(rf"[A-Za-z0-9._-]{{1,31}}:|{NO_PREFIX}", value):
        raise ValueError(f"must be 1 to 31 of A-Z, a-z, 0-9, '.', '_' and '-', followed by ':', or {NO_PREFIX!r}")
    return value


Claim = Annotated[str, StringConstraints(min_length=1, max_length=256)]
# RFC 6749, section 3.3.
Scope = Annotated[str, StringConstraints(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]+$")]


class OidcSettings(AwsSettings):
    """The OpenID provider whose tokens are accepted; none without `oidc_issuer`."""

    oidc_issuer: Annotated[str, AfterValidator(_issuer)] | None = None
    """Exactly as in the tokens (`iss`)."""
    oidc_audience: CommaSeparated[Claim] = Field(default=[])
    """A token must be for one of these (`aud`)."""
    oidc_algorithms: CommaSeparated[Literal[ALGORITHMS]] = Field(default=["RS256", "ES256"])  # type: ignore[valid-type]
    oidc_jwks_url: Annotated[str, AfterValidator(_secure)] | None = None
    """The URL of the keys; without it the one in the issuer's discovery document."""
    oidc_owner_claim: Claim = "sub"
    oidc_tenant_claim: Claim | None = None
    """With it, an owner is `<prefix><tenant>/<owner>`."""
    oidc_scope_claim: Claim = "scope"
    oidc_session_scope: Scope | None = None
    """A caller with this scope may create upload sessions for others: with a tenant claim, for owners of its tenant."""
    oidc_owner_prefix: Annotated[str, AfterValidator(_prefix)] = "oidc:"
    """Put before every owner, so that none is the owner of a static token; `none` for no prefix."""
    oidc_leeway: int = Field(default=30, ge=0, le=120)
    """By how many seconds the provider's clock may differ from ours."""

    @field_validator("oidc_audience", "oidc_jwks_url", "oidc_tenant_claim", "oidc_session_scope")
    @classmethod
    def _needs_an_issuer(cls, value: Any, info: ValidationInfo) -> Any:
        if value and info.data.get("oidc_issuer", "wrong") is None:
            raise ValueError("has no effect without AIRLOCK_OIDC_ISSUER")
        return value

    @field_validator("oidc_audience")
    @classmethod
    def _audience_is_named(cls, value: list[str], info: ValidationInfo) -> list[str]:
        if not value and info.data.get("oidc_issuer") is not None:
            raise ValueError(
                "is required with AIRLOCK_OIDC_ISSUER: without it, tokens for any service would be accepted"
            )
        return value

    @field_validator("oidc_algorithms")
    @classmethod
    def _some_algorithm(cls, value: list[str]) -> list[str]:
        if not value:
            raise ValueError(f"must name at least one of {', '.join(ALGORITHMS)}")
        return value

    @property
    def oidc(self) -> Trust | None:
        """The trusted provider."""
        if self.oidc_issuer is None:
            return None
        return Trust(
            issuer=self.oidc_issuer,
            audience=frozenset(self.oidc_audience),
            algorithms=frozenset(self.oidc_algorithms),
            jwks_url=self.oidc_jwks_url,
            owner_claim=self.oidc_owner_claim,
            tenant_claim=self.oidc_tenant_claim,
            scope_claim=self.oidc_scope_claim,
            leeway=self.oidc_leeway,
            owner_prefix="" if self.oidc_owner_prefix == NO_PREFIX else self.oidc_owner_prefix,
            session_scope=self.oidc_session_scope,
        )
