"""The port of a check: what inspection asks of it, and what it answers."""

from dataclasses import dataclass
from typing import Protocol

from airlock.intent import Intent
from airlock.profiles import Profile
from airlock.verdict import Engine, Finding


@dataclass(frozen=True, slots=True)
class Subject:
    """The object that is inspected: what it was declared as, under which rules, and its size in bytes."""

    intent: Intent
    profile: Profile
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class Report:
    """What one check found in one object: its objections, the engine that looked, and facts about the bytes.

    `sha256` (hex) and `media_type` come from the checks that establish them.
    """

    findings: tuple[Finding, ...] = ()
    engine: Engine | None = None
    sha256: str | None = None
    media_type: str | None = None


class Scan(Protocol):
    """One check of one object, which gets all of its bytes, in order, once.

    Every method may raise Unavailable when what the check needs is away. What could not be looked at is a finding
    with outcome unscannable: a report without findings says that every byte was seen.
    """

    async def feed(self, chunk: bytes) -> None:
        """Take the next bytes (never empty); returns when ready for more, which is the back pressure."""
        ...

    async def finish(self) -> Report:
        """Everything was fed: the report."""
        ...

    async def close(self) -> None:
        """Give back what is held, whether or not it came to `finish`. Never raises; called exactly once."""
        ...


class Check(Protocol):
    """One named test, made at start-up and shared by all objects."""

    @property
    def name(self) -> str:
        """What a profile calls it."""
        ...

    def begin(self, subject: Subject) -> Scan:
        """Start on one object. Waits for nothing and holds nothing yet: that begins with the first `feed`."""
        ...

    async def ready(self) -> Engine | None:
        """The engine that would look now, if there is one; raises Unavailable when it is away."""
        ...

    async def close(self) -> None:
        """End what was started for the check. Never raises."""
        ...


class Idle:
    """What a check or a scan with nothing to await or give back has in common with others."""

    async def ready(self) -> Engine | None:
        return None

    async def close(self) -> None:
        return
