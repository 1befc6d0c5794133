"""The checks that parse: each runs one parser over the object's copy, in a process of the sandbox.

A parser of archives unpacks here: each member is spooled and inspected while the parser's process waits.
"""

import math
from collections.abc import AsyncGenerator
from contextlib import aclosing

from airlock.limits import DEFAULTS
from airlock.verdict import Finding, Outcome
from workers.inspection.checks.port import BaseCheck, BaseScan, Report, Subject
from workers.inspection.parsers.port import LimitExceeded, Parser, ParserFinding
from workers.inspection.sandbox.frames import ExaminationEnd, Frame, MemberData, MemberEnd, MemberStart
from workers.inspection.sandbox.pool import Sandbox
from workers.inspection.sandbox.process import CRASHED
from workers.inspection.spool import Spool

# A hostile parser's process cannot fill the worker's memory with findings.
MAX_FINDINGS = 100


class ParserCheck(BaseCheck):
    """A check of one parser: `parser` is its module, `module` the full name by which the sandbox imports it."""

    def __init__(self, name: str, module: str, parser: Parser, sandbox: Sandbox) -> None:
        self.name = name
        self.module = module
        self.sandbox = sandbox
        self._parser = parser

    def needs_copy(self, subject: Subject) -> bool:
        return self._parser.recognises(subject.head)

    def begin(self, subject: Subject) -> "ParserScan | NotApplicableScan":
        return ParserScan(self, subject) if self._parser.recognises(subject.head) else NotApplicableScan()

    def limits(self, subject: Subject) -> dict[str, int]:
        """The limits that the parser knows, by name: the profile's value, or the parser's default."""
        known = {"parse_seconds": DEFAULTS["parse_seconds"], **self._parser.DEFAULTS}
        return {name: subject.profile.limits.get(name, own) for name, own in known.items()}

    async def ready(self) -> None:
        """Start the fork server before the first object; raises Unavailable("sandbox") if that fails."""
        self.sandbox.ready()

    async def close(self) -> None:
        await self.sandbox.close()


class NotApplicableScan(BaseScan):
    """The scan of an object of another format: it reports nothing."""

    async def feed(self, chunk: bytes) -> None:  # noqa: ARG002 # the port's
        return

    async def finish(self) -> Report:
        return Report()


class ParserScan(NotApplicableScan):
    """The scan of an object of the parser's format; the parser reads the copy once it is complete."""

    def __init__(self, check: ParserCheck, subject: Subject) -> None:
        self._check = check
        self._subject = subject
        self._findings: dict[ParserFinding, None] = {}
        self._spool: Spool | None = None
        self._name = ""

    async def finish(self) -> Report:
        try:
            async with aclosing(self._frames()) as frames:
                async for frame in frames:
                    await self._take(frame)
        except LimitExceeded as limit:
            self._findings[ParserFinding(limit.code, "unscannable", limit.message)] = None
        finally:
            self._close_spool()
        return Report(tuple(self._finding(each) for each in self._findings))

    def _frames(self) -> AsyncGenerator[Frame, None]:
        subject, copy, limits = self._subject, self._subject.copy, self._check.limits(self._subject)
        if copy is None:
            raise LimitExceeded("There is no copy to read.")
        if subject.members is not None:
            if subject.members.seconds <= 0:
                raise LimitExceeded(
                    "The time for the object and its members is used up (inspect_seconds).", "timed_out"
                )
            limits["parse_seconds"] = min(limits["parse_seconds"], math.ceil(subject.members.seconds))
        return self._check.sandbox.examine(self._check.module, copy.fd, copy.size, limits, depth=subject.depth)

    async def _take(self, frame: Frame) -> None:
        match frame:
            case ParserFinding():
                if len(self._findings) < MAX_FINDINGS:
                    self._findings[frame] = None
            case MemberStart(name):
                self._start(name)
            case MemberData(data):
                await self._write(data)
            case MemberEnd():
                await self._inspect()
            case ExaminationEnd(seconds):
                if self._subject.members is not None:
                    self._subject.members.spend(seconds=seconds)

    def _start(self, name: str) -> None:
        if self._subject.members is None:
            raise LimitExceeded("Its members cannot be inspected.")
        self._close_spool()
        self._spool, self._name = self._subject.members.spool(self._subject), name

    async def _write(self, data: bytes) -> None:
        if self._spool is None or self._subject.members is None:
            raise LimitExceeded(CRASHED)
        self._subject.members.spend(size=len(data))
        await self._spool.write(data)

    async def _inspect(self) -> None:
        if self._spool is None or self._subject.members is None:
            raise LimitExceeded(CRASHED)
        await self._subject.members.inspect(self._subject, self._name, self._spool)
        self._close_spool()

    def _close_spool(self) -> None:
        spool, self._spool = self._spool, None
        if spool is not None:
            spool.close()

    def _finding(self, each: ParserFinding) -> Finding:
        return Finding(code=each.code, check=self._check.name, outcome=Outcome(each.outcome), message=each.message)
