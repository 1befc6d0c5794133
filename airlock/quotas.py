"""Quotas: how much one owner, and one tenant, may take of a deployment."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, Strict

from airlock.units import Bytes


class Quota(BaseModel):
    """What one owner or tenant may have in a minute and in a day, both of UTC; None is without a limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    uploads_per_minute: Annotated[int, Strict(), Field(ge=1)] | None = None
    declared_bytes_per_day: Annotated[Bytes, Field(ge=1)] | None = None
    """Of the sizes that policies were signed for: where none was declared, the most that the policy takes."""
    accepted_bytes_per_day: Annotated[Bytes, Field(ge=1)] | None = None
    """Of the objects that were accepted."""


class Quotas(BaseModel):
    """The quota of each owner and that of each tenant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: Quota = Quota()
    tenant: Quota = Quota()
