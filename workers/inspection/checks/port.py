"""The port of a check: what inspection asks of it, and what it answers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from airlock.intent import Intent
from airlock.profile import Profile
from airlock.verdict import Engine, Finding

if TYPE_CHECKING:
    from workers.inspection.spool import Spool

# How much of an object's beginning is known before its checks begin.
HEAD = 4096


@dataclass(frozen=True, slots=True)
class Subject:
    """What is inspected: what it was declared as, under which rules, and its size in bytes.

    That is an object, or a member of an archive: then `path` has the names that lead to it, the outermost first, and
    nothing was declared of it. `head` is how it begins. `copy` is there when one of the checks needs it; it is complete
    when `finish` is called, and is only to be read. `members` takes what a check unpacks.
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
    def depth(self) -> int:
        """How many archives it stands in."""
        return len(self.path)


class MemberInspector(Protocol):
    """What comes out of one object's archives, at any depth: each member is inspected as the object is."""

    @property
    def seconds(self) -> float:
        """What is left of the time of the parsers; zero or less when it is used up."""
        ...

    def spend(self, *, size: int = 0, seconds: float = 0) -> None:
        """Count bytes that were unpacked, and time of parsers; raises Exceeded for too many bytes."""
        ...

    def spool(self, parent: Subject) -> "Spool":
        """An empty copy for the next member of `parent`; whoever asked for it closes it.

        Raises Exceeded when it is one too many, or stands in too many archives.
        """
        ...

    async def inspect(self, parent: Subject, name: str, copy: "Spool") -> None:
        """Run the checks over a member of `parent`, which `copy` has; what they find is the object's."""
        ...


@dataclass(frozen=True, slots=True)
class Report:
    """What one check found in one object: its objections, the engine that looked, and facts about the bytes.

    `sha256` (hex) and `media_type` come from the checks that establish them. `missing` names engines that did not look,
    where the profile accepts that (`above_engine_limit`).
    """

    findings: tuple[Finding, ...] = ()
    engine: Engine | None = None
    sha256: str | None = None
    media_type: str | None = None
    missing: tuple[str, ...] = ()


class Scan(Protocol):
    """One check of one object, which gets all of its bytes, in order, once.

    Every method may raise Unavailable when what the check needs is away. What could not be looked at is a finding
    with outcome unscannable: a report without findings says that every byte was seen.
    """

    @property
    def fatal(self) -> bool:
        """Whether what was seen so far is an objection that nothing later can lift."""
        ...

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

    def needs_copy(self, subject: Subject) -> bool:
        """Whether it reads the object from `subject.copy` (which is not there yet) rather than as it comes."""
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
