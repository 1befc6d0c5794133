"""The check `yara`: no YARA rule matches.

An object of up to 8 MiB is scanned whole. A larger one is scanned in windows of 8 MiB, so that memory does not grow
with it; each window begins with the last 64 KiB of the one before. In a rule, `filesize`, offsets and `at` are then
those of the window, and all strings of a match must be in one window. (YARA-X's `scan_file` maps the whole file: 1 GiB
of resident memory for a 1 GiB object.)
"""

import asyncio

import yara_x

from airlock.verdict import Engine, Finding, Outcome
from workers.inspection.checks.port import BaseCheck, BaseScan, Report, Subject
from workers.inspection.yara.folder import RuleFolder, Sleep
from workers.inspection.yara.process import YaraProcess
from workers.inspection.yara.rule_set import Match, RuleSet, matches

NAME = "yara"
WINDOW = 8 * 1024**2
OVERLAP = 64 * 1024
# Scanned in this process, within about ten microseconds: sending the bytes to the scanning process takes longer.
INLINE = 64 * 1024
SECONDS = 30


class YaraCheck(BaseCheck):
    """`seconds` limits the scan of one window; windows of up to `inline` bytes are scanned in this process.

    The folder of `rule_set`, if there is one, is polled for changes, with `sleep` between two polls.
    """

    name = NAME

    def __init__(
        self, rule_set: RuleSet, *, seconds: int = SECONDS, inline: int = INLINE, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._seconds = seconds
        self._inline = inline
        self._rules = RuleScanner(rule_set, seconds, inline)
        self._old: set[RuleScanner] = set()
        self._folder = RuleFolder(rule_set.folder, rule_set.state, sleep) if rule_set.folder else None

    @property
    def engine(self) -> Engine:
        """The engine of the scans that begin now."""
        return self._rules.engine

    def begin(self, subject: Subject) -> "YaraScan":  # noqa: ARG002 # the port's
        self._follow()
        return YaraScan(self)

    async def ready(self) -> Engine:
        self._follow()
        return self.engine

    async def close(self) -> None:
        if self._folder:
            await self._folder.close()
        for rules in (self._rules, *self._old):
            await rules.close()

    async def use(self, rule_set: RuleSet) -> None:
        """Scan with these rules from now on. A scan that has begun keeps its rules."""
        old, self._rules = self._rules, RuleScanner(rule_set, self._seconds, self._inline)
        if old.users:
            self._old.add(old)
        else:
            await old.close()

    def acquire(self) -> "RuleScanner":
        """The scanner for one object. The caller releases it."""
        self._rules.users += 1
        return self._rules

    async def release(self, rules: "RuleScanner") -> None:
        """End the scanner if it has old rules and this was its last object."""
        rules.users -= 1
        if rules in self._old and not rules.users:
            self._old.discard(rules)
            await rules.close()

    def _follow(self) -> None:
        if self._folder:
            self._folder.start(self.use)


class RuleScanner:
    """Scans with one set of rules; `users` counts the objects that are being scanned with it."""

    def __init__(self, rule_set: RuleSet, seconds: int, inline: int) -> None:
        self.engine = rule_set.engine
        self.users = 0
        self._inline = inline
        self._rules = rule_set.rules
        self._seconds = seconds
        self._process = YaraProcess(rule_set.rules, seconds)

    async def scan(self, window: bytes) -> list[Match] | None:
        """The rules that match, or None after a timeout."""
        if len(window) > self._inline:
            return await self._process.scan(window)
        # A new one each time, for 20 µs: it must not be freed by a garbage collection in another thread.
        scanner = yara_x.Scanner(self._rules)
        scanner.set_timeout(self._seconds)
        try:
            return matches(scanner.scan(window))
        except yara_x.TimeoutError:
            return None

    async def close(self) -> None:
        await self._process.close()


class YaraScan(BaseScan):
    """Collects a window, scans it, and begins the next with its end."""

    def __init__(self, check: YaraCheck, *, window: int = WINDOW, overlap: int = OVERLAP) -> None:
        self._check = check
        self._rules: RuleScanner | None = None
        self._window = window
        self._overlap = overlap
        self._parts: list[bytes] = []
        self._held = 0
        self._found: dict[str, Match] = {}
        self._timed_out = False

    @property
    def fatal(self) -> bool:
        return any(match.outcome is Outcome.INFECTED for match in self._found.values())

    async def feed(self, chunk: bytes) -> None:
        if self._held + len(chunk) > self._window:
            window = self._gathered()
            self._keep(window[-self._overlap :])
            await self._scan(window)
        self._parts.append(chunk)
        self._held += len(chunk)

    async def finish(self) -> Report:
        rules = await self._scan(self._gathered())
        findings = [_matched(match) for match in self._found.values()]
        if self._timed_out:
            message = "YARA-X did not finish within its time limit."
            findings.append(Finding(code="timed_out", check=NAME, outcome=Outcome.UNSCANNABLE, message=message))
        return Report(tuple(findings), rules.engine)

    async def close(self) -> None:
        if self._rules is not None:
            await self._check.release(self._rules)

    def _gathered(self) -> bytes:
        parts, self._parts, self._held = self._parts, [], 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _keep(self, end: bytes) -> None:
        self._parts.append(end)
        self._held = len(end)

    async def _scan(self, window: bytes) -> RuleScanner:
        if self._rules is None:
            self._rules = self._check.acquire()
        found = await self._rules.scan(window)
        if found is None:
            self._timed_out = True
        for match in found or ():
            self._found[match.rule] = match
        return self._rules


def _matched(match: Match) -> Finding:
    message = f"The YARA rule {match.rule} matches."
    return Finding(code="yara_match", check=NAME, outcome=match.outcome, message=message)
