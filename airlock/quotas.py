"""Quotas: how much one owner, and one tenant, may take of a deployment, by the minute and by the day of UTC.

The names and the texts of limits are those of the header fields RateLimit-Policy and RateLimit
(https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-11).
"""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, Strict

from airlock.units import Bytes

MINUTE = 60
# Unix time knows no leap seconds, so every day of UTC has as many.
DAY = 24 * 3600

# The largest Integer of a header field: https://www.rfc-editor.org/rfc/rfc9651#section-3.3.1
_LARGEST = 10**15 - 1

SubjectKind = Literal["owner", "tenant"]


class Subject(NamedTuple):
    """Whose use is counted."""

    kind: SubjectKind
    name: str


class Window(NamedTuple):
    """A minute or a day of UTC: its first second since the epoch, and how many it has."""

    start: int
    seconds: int

    @classmethod
    def at(cls, now: float, seconds: int) -> Self:
        """The one in which `now` is."""
        return cls(int(now // seconds) * seconds, seconds)

    @property
    def end(self) -> int:
        """The first second that is not in it."""
        return self.start + self.seconds

    @property
    def label(self) -> str:
        """Its name: 20261122T2053 or 20261122."""
        return datetime.fromtimestamp(self.start, UTC).strftime("%Y%m%dT%H%M" if self.seconds < DAY else "%Y%m%d")

    def remaining(self, now: float) -> int:
        """Whole seconds until it is over, at least 1."""
        return max(1, math.ceil(self.end - now))


class Usage(NamedTuple):
    """What was taken in one window; accepted bytes are counted in days only."""

    uploads: int = 0
    declared_bytes: int = 0
    accepted_bytes: int = 0

    def plus(self, other: "Usage") -> "Usage":
        """The sum of both."""
        uploads, declared, accepted = other
        return Usage(self.uploads + uploads, self.declared_bytes + declared, self.accepted_bytes + accepted)

    def negative(self) -> "Usage":
        """What takes this back when it is added."""
        return Usage(-self.uploads, -self.declared_bytes, -self.accepted_bytes)


class Limit(NamedTuple):
    """One limit of a quota: `most` of what it `counts`, in windows of `seconds`."""

    name: str
    most: int
    seconds: int
    counts: Literal["uploads", "declared_bytes", "accepted_bytes"]

    def forbids(self, used: Usage, most_bytes: int) -> bool:
        """Whether one more upload, of `most_bytes` at most, would pass it.

        How many bytes of it will be accepted is not known, so that limit only ends what comes after it was reached.
        """
        match self.counts:
            case "uploads":
                return used.uploads + 1 > self.most
            case "declared_bytes":
                return used.declared_bytes + most_bytes > self.most
            case "accepted_bytes":
                return used.accepted_bytes >= self.most

    def left(self, used: Usage) -> int:
        """How much may still be taken; 0 at least, for replicas together can go over it."""
        taken: int = getattr(used, self.counts)
        return max(0, self.most - taken)

    @property
    def policy(self) -> str:
        """Its item in RateLimit-Policy."""
        unit = "" if self.counts == "uploads" else ';qu="content-bytes"'
        return f'"{self.name}";q={self.most}{unit};w={self.seconds}'

    def refusal(self, used: Usage, most_bytes: int) -> str:
        """A sentence about an upload that it forbids."""
        kind = self.name.partition("-")[0]
        what = f"{self.counts.replace('_', ' ')} a {self.period}"
        said = f"The limit of {self.most} {what} for each {kind}"
        if self.counts != "declared_bytes":
            return f"{said} is reached"
        return f"{said} leaves {self.left(used)}, and this upload can take {most_bytes}"

    @property
    def period(self) -> str:
        """What its windows are called."""
        return "minute" if self.seconds == MINUTE else "day"


class Quota(BaseModel):
    """What one owner or tenant may have in a minute and in a day, both of UTC; None is without a limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    uploads_per_minute: Annotated[int, Strict(), Field(ge=1, le=_LARGEST)] | None = None
    declared_bytes_per_day: Annotated[Bytes, Field(ge=1, le=_LARGEST)] | None = None
    """Of the sizes that policies were signed for: where none was declared, the most that the policy takes."""
    accepted_bytes_per_day: Annotated[Bytes, Field(ge=1, le=_LARGEST)] | None = None
    """Of the objects that were accepted."""

    def limits(self, kind: SubjectKind) -> tuple[Limit, ...]:
        """Those that are set."""
        every: tuple[tuple[str, int | None, int, Literal["uploads", "declared_bytes", "accepted_bytes"]], ...] = (
            ("minute", self.uploads_per_minute, MINUTE, "uploads"),
            ("declared", self.declared_bytes_per_day, DAY, "declared_bytes"),
            ("accepted", self.accepted_bytes_per_day, DAY, "accepted_bytes"),
        )
        return tuple(
            Limit(f"{kind}-{name}", most, seconds, counts) for name, most, seconds, counts in every if most is not None
        )


class Quotas(BaseModel):
    """The quota of each owner and that of each tenant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: Quota = Quota()
    tenant: Quota = Quota()

    def counting_accepted(self, owner: str, tenant: str | None) -> Iterator[Subject]:
        """Those whose accepted bytes have a limit."""
        if self.owner.accepted_bytes_per_day is not None:
            yield Subject("owner", owner)
        if self.tenant.accepted_bytes_per_day is not None and tenant is not None:
            yield Subject("tenant", tenant)
