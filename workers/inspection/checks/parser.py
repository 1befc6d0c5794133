"""The checks that parse: each gives the object's copy to one parser, in a child process.

A parser that unpacks has its members inspected here, one after the other, while its process waits.
"""

import math
from collections.abc import AsyncGenerator
from contextlib import aclosing

from airlock.limits import DEFAULTS
from airlock.verdict import Finding, Outcome
from workers.inspection.checks.port import BaseCheck, BaseScan, Report, Subject
from workers.inspection.parsers.port import Exceeded, Parser, ParserFinding
from workers.inspection.sandbox.frames import Done, Frame, MemberData, MemberEnd, MemberStart
from workers.inspection.sandbox.pool import Sandbox
from workers.inspection.spool import Spool

# More of them would tell nobody more.
MOST_FINDINGS = 100


class ParserCheck(BaseCheck):
    """The check of that name: `parser` is the module of the parser, by its full `module` name in the child."""

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
        """The parser's limits: its own, and the profile's in their place."""
        known = {"parse_seconds": DEFAULTS["parse_seconds"], **self._parser.DEFAULTS}
        return {name: subject.profile.limits.get(name, own) for name, own in known.items()}

    async def ready(self) -> None:
        """Raises Unavailable("sandbox") when no process can be started for it; the first object waits for none."""
        self.sandbox.ready()

    async def close(self) -> None:
        await self.sandbox.close()


class NotApplicableScan(BaseScan):
    """The scan of an object that is of another format."""

    async def feed(self, chunk: bytes) -> None:  # noqa: ARG002 # the port's
        return

    async def finish(self) -> Report:
        return Report()


class ParserScan(NotApplicableScan):
    """The scan of an object that the parser knows; it reads the copy once that is complete."""

    def __init__(self, check: ParserCheck, subject: Subject) -> None:
        self._check = check
        self._subject = subject
        self._found: dict[ParserFinding, None] = {}
        self._spool: Spool | None = None
        self._name = ""

    async def finish(self) -> Report:
        try:
            async with aclosing(self._frames()) as frames:
                async for frame in frames:
                    await self._take(frame)
        except Exceeded as limit:
            self._found[ParserFinding(limit.code, "unscannable", limit.message)] = None
        finally:
            self._close_spool()
        return Report(tuple(self._finding(found) for found in self._found))

    def _frames(self) -> AsyncGenerator[Frame, None]:
        subject, copy, limits = self._subject, self._subject.copy, self._check.limits(self._subject)
        if copy is None:
            raise Exceeded("there is no copy of it to be read")
        if subject.members is not None:
            if subject.members.seconds <= 0:
                raise Exceeded("the time for it and its members is used up", "timed_out")
            limits["parse_seconds"] = min(limits["parse_seconds"], math.ceil(subject.members.seconds))
        return self._check.sandbox.examine(self._check.module, copy.fd, copy.size, limits, depth=subject.depth)

    async def _take(self, frame: Frame) -> None:
        match frame:
            case ParserFinding():
                if len(self._found) < MOST_FINDINGS:
                    self._found[frame] = None
            case MemberStart(name):
                self._start(name)
            case MemberData(data):
                await self._write(data)
            case MemberEnd():
                await self._inspect()
            case Done(seconds):
                if self._subject.members is not None:
                    self._subject.members.spend(seconds=seconds)

    def _start(self, name: str) -> None:
        if self._subject.members is None:
            raise Exceeded("its members cannot be looked at here")
        self._close_spool()
        self._spool, self._name = self._subject.members.spool(self._subject), name

    async def _write(self, data: bytes) -> None:
        if self._spool is None or self._subject.members is None:
            raise Exceeded("the process that read it broke down")
        self._subject.members.spend(size=len(data))
        await self._spool.write(data)

    async def _inspect(self) -> None:
        if self._spool is None or self._subject.members is None:
            raise Exceeded("the process that read it broke down")
        await self._subject.members.inspect(self._subject, self._name, self._spool)
        self._close_spool()

    def _close_spool(self) -> None:
        spool, self._spool = self._spool, None
        if spool is not None:
            spool.close()

    def _finding(self, found: ParserFinding) -> Finding:
        return Finding(code=found.code, check=self._check.name, outcome=Outcome(found.outcome), message=found.message)
