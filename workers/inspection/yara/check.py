"""The check `yara`: no YARA rule matches.

An object of up to 8 MiB is scanned whole. A larger one is scanned in windows of 8 MiB, so that memory does not grow
with it; each window begins with the last 64 KiB of the one before. In a rule, `filesize`, offsets and `at` are then
those of the window, and all strings of a match must be in one window. (YARA-X's `scan_file` maps the whole file: 1 GiB
of resident memory for a 1 GiB object.)
"""

import asyncio
import functools
from collections.abc import Sequence

from airlock.verdict import Engine, Finding, Outcome
from workers.inspection.checks.port import BaseCheck, BaseScan, MemberInspector, Report, Subject
from workers.inspection.yara.folder import RuleFolder, Sleep
from workers.inspection.yara.process import RuleServer, YaraProcess
from workers.inspection.yara.rule_set import Match, RuleSet

NAME = "yara"
WINDOW = 8 * 1024**2
OVERLAP = 64 * 1024
SECONDS = 30
SCANS = 2


class YaraCheck(BaseCheck):
    """`seconds` limits the scan of one window; at most `scans` run at once.

    Where `required`, no child without a filter of system calls scans. The folder of `rule_set`, if there is one, is
    polled for changes, with `sleep` between two polls.
    """

    name = NAME

    def __init__(
        self,
        rule_set: RuleSet,
        *,
        seconds: int = SECONDS,
        scans: int = SCANS,
        required: bool = True,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._serve = functools.partial(RuleServer, seconds=seconds, scans=scans, required=required)
        self._rules = self._serve(rule_set)
        self._old: set[RuleServer] = set()
        self._inspections: dict[MemberInspector, YaraProcess] = {}
        self._folder = RuleFolder(rule_set.folder, rule_set.state, sleep) if rule_set.folder else None

    @property
    def engine(self) -> Engine:
        """The engine of the scans that begin now."""
        return self._rules.engine

    @property
    def missing(self) -> Sequence[str]:
        """The layers of confinement that its children had to do without."""
        return self._rules.missing

    def begin(self, subject: Subject) -> "YaraScan":
        self._follow()
        return YaraScan(self, subject.members)

    async def ready(self) -> Engine:
        self._follow()
        await self._rules.ready()
        return self.engine

    async def close(self) -> None:
        if self._folder:
            await self._folder.close()
        for rules in (self._rules, *self._old):
            await rules.close()

    async def use(self, rule_set: RuleSet) -> None:
        """Scan with these rules from now on. An inspection that has begun keeps its rules."""
        old, self._rules = self._rules, self._serve(rule_set)
        self._old.add(old)
        await self._close_unused(old)

    def acquire(self, members: MemberInspector | None) -> YaraProcess:
        """The child for one inspection, which releases it at its end; without `members`, the caller releases it."""
        if members is not None and members in self._inspections:
            return self._inspections[members]
        process = YaraProcess(self._rules)
        process.server.users += 1
        if members is not None:
            self._inspections[members] = process
            members.at_end(functools.partial(self.release, process, members))
        return process

    async def release(self, process: YaraProcess, members: MemberInspector | None = None) -> None:
        """End the child, and its rules if they are old and this was their last inspection."""
        if members is not None:
            del self._inspections[members]
        await process.end()
        process.server.users -= 1
        await self._close_unused(process.server)

    async def _close_unused(self, rules: RuleServer) -> None:
        if rules in self._old and not rules.users:
            await rules.close()
            self._old.discard(rules)

    def _follow(self) -> None:
        if self._folder:
            self._folder.start(self.use)


class YaraScan(BaseScan):
    """Collects a window, scans it, and begins the next with its end."""

    def __init__(
        self, check: YaraCheck, members: MemberInspector | None, *, window: int = WINDOW, overlap: int = OVERLAP
    ) -> None:
        self._check = check
        self._members = members
        self._process: YaraProcess | None = None
        self._window = window
        self._overlap = overlap
        self._parts: list[bytes] = []
        self._held = 0
        self._found: set[Match] = set()
        self._timed_out = False

    @property
    def fatal(self) -> bool:
        return any(match.outcome is Outcome.INFECTED for match in self._found)

    async def feed(self, chunk: bytes) -> None:
        if self._held + len(chunk) > self._window:
            window = self._gathered()
            self._keep(window[-self._overlap :])
            await self._scan(window)
        self._parts.append(chunk)
        self._held += len(chunk)

    async def finish(self) -> Report:
        process = await self._scan(self._gathered())
        findings = [_matched(match) for match in sorted(self._found, key=lambda match: match.rule)]
        if self._timed_out:
            message = "YARA-X did not finish within its time limit."
            findings.append(Finding(code="timed_out", check=NAME, outcome=Outcome.UNSCANNABLE, message=message))
        return Report(tuple(findings), process.server.engine)

    async def close(self) -> None:
        if self._process is not None and self._members is None:
            await self._check.release(self._process)

    def _gathered(self) -> bytes:
        parts, self._parts, self._held = self._parts, [], 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _keep(self, end: bytes) -> None:
        self._parts.append(end)
        self._held = len(end)

    async def _scan(self, window: bytes) -> YaraProcess:
        if self._process is None:
            self._process = self._check.acquire(self._members)
        found = await self._process.scan(window)
        if found is None:
            self._timed_out = True
        self._found.update(found or ())
        return self._process


def _matched(match: Match) -> Finding:
    message = f"The YARA rule {match.rule} matches."
    return Finding(code="yara_match", check=NAME, outcome=match.outcome, message=message)
