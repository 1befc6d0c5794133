"""The port of a check: what the inspector asks of a check, and what a check reports.

How it works. At start-up the catalogue makes one `Check` for each name in any profile. For each object the inspector
makes a `Subject` and calls, for each check that the profile names:

    check.needs_copy(subject)   True: the bytes are spooled too, and `subject.copy` is complete when `finish` is called
    check.begin(subject)        returns a `Scan`
    scan.feed(chunk)            for each chunk, in order; the next chunk is read when all scans have taken this one
    scan.fatal                  read after each chunk: True ends the reading where the profile says `stop_early`
    scan.finish()               after the last chunk; returns the `Report`
    scan.close()                once, after `finish` or an error

A report without findings says that the check saw every byte and objects to nothing. What a check could not examine is a
finding with the outcome `unscannable`. An engine that does not answer is no finding: the method raises Unavailable, and
the object is inspected again later.

A scan that unpacks an archive hands each member to `subject.members`, which runs the profile's checks over it: so scans
of members run while the scan of the archive finishes.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from airlock.intent import Intent
from airlock.profile import Profile
from airlock.verdict import Engine, ExaminedReading, Finding

if TYPE_CHECKING:
    from workers.inspection.spool import Spool

CONTENT = "content"
"""The check that every profile has."""

# How many bytes of an object are read before its checks begin.
HEAD = 4096


@dataclass(frozen=True, slots=True)
class Subject:
    """What is inspected: an object, or a member of an archive in it.

    `intent` is what the uploader declared (nothing about a member), `size` and `etag` are the object's (of a member:
    its own size in bytes), `head` is the first HEAD bytes. `copy` has all bytes, read-only, where a check asked for
    one. `members` inspects what a check unpacks. `path` has the names that lead to a member, the outermost archive's
    member first; it is empty for the object itself.
    """

    intent: Intent
    profile: Profile
    size: int
    etag: str
    head: bytes = b""
    copy: "Spool | None" = None
    members: "MemberInspector | None" = None
    path: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the file: of a member, its path in what holds it."""
        return self.path[-1] if self.path else self.intent.filename

    @property
    def depth(self) -> int:
        """In how many archives it is nested."""
        return len(self.path)


class MemberInspector(Protocol):
    """Takes what is unpacked from one object, at any depth, and runs the checks over each member."""

    @property
    def seconds(self) -> float:
        """How many seconds parsers may still use for this object; zero or less when the time is used up."""
        ...

    def spend(self, *, size: int = 0, seconds: float = 0) -> None:
        """Count `size` unpacked bytes and `seconds` of a parser; raises LimitExceeded above the limit of bytes."""
        ...

    def spool(self, parent: Subject) -> "Spool":
        """An empty copy for the next member of `parent`. The caller closes it.

        Raises LimitExceeded when there are too many members, or when archives are nested too deeply.
        """
        ...

    def at_end(self, end: Callable[[], Awaitable[None]]) -> None:
        """Have `end` awaited when the inspection of the object and its members is over, however it ends."""
        ...

    async def inspect(self, parent: Subject, name: str, copy: "Spool") -> None:
        """Run the checks over the member `name` of `parent`; its findings become findings of the object."""
        ...


@dataclass(frozen=True, slots=True)
class Report:
    """What one check found in one object: findings, the engine that scanned, and facts about the bytes.

    `sha256` (hex), `media_type` and `readings` come from the checks that establish them. `missing` names engines that
    did not scan because the object is above their limit, where the profile accepts that (`above_engine_limit`).
    """

    findings: tuple[Finding, ...] = ()
    engine: Engine | None = None
    sha256: str | None = None
    media_type: str | None = None
    readings: tuple[ExaminedReading, ...] = ()
    missing: tuple[str, ...] = ()


class Scan(Protocol):
    """One check of one object. `feed` and `finish` raise Unavailable when the check's engine does not answer."""

    @property
    def fatal(self) -> bool:
        """Whether the bytes so far have a finding that no later byte can change."""
        ...

    async def feed(self, chunk: bytes) -> None:
        """Take the next bytes (never empty). Returns when the scan is ready for more: that is the back pressure."""
        ...

    async def finish(self) -> Report:
        """The report, after the last byte."""
        ...

    async def close(self) -> None:
        """Free what the scan holds. Never raises; called exactly once, also where `finish` was not called."""
        ...


class Check(Protocol):
    """One named test of bytes, made at start-up and shared by all objects."""

    @property
    def name(self) -> str:
        """The name by which profiles ask for it."""
        ...

    def needs_copy(self, subject: Subject) -> bool:
        """Whether its scan will read `subject.copy` (which is not filled yet)."""
        ...

    def begin(self, subject: Subject) -> Scan:
        """Begin to scan one object. Connections and the like are opened by the first `feed`, not here."""
        ...

    async def ready(self) -> Engine | None:
        """The engine that would scan now, if the check has one; raises Unavailable when it does not answer."""
        ...

    async def close(self) -> None:
        """End what the check has started. Never raises."""
        ...


class BaseCheck:
    """The methods of a check that needs no copy, has no engine and starts nothing."""

    def needs_copy(self, subject: Subject) -> bool:  # noqa: ARG002 # the port's
        return False

    async def ready(self) -> Engine | None:
        return None

    async def close(self) -> None:
        return


class BaseScan:
    """The methods of a scan that never knows before `finish`, and holds nothing that `close` must free."""

    @property
    def fatal(self) -> bool:
        return False

    async def close(self) -> None:
        return
