"""The examination of content: which readings the bytes have, and that each was examined. Every profile has it.

How it works:

1. When the copy is complete, a process of the sandbox identifies all readings of the bytes, and lets the examiner that
   owns each reading examine it, where the profile names that examiner. It sends what it finds, and the members.
2. Each member is spooled, and inspected as an object is, while the process waits.
3. A reading that no examiner of the profile examined is `not_examined`, unless the profile lists its type in
   `unexamined`. So bytes of which nobody knows the format are never accepted by silence (`coverage`).
4. Where the profile has the check `media_type`, the readings have to agree with each other, with the declaration, the
   name and the profile (`agreement`). Of a member, its type has to be among the profile's member types.
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from airlock.content.format import OCTET_STREAM
from airlock.content.formats import EXAMINERS, format_of
from airlock.limits import DEFAULTS
from airlock.verdict import Finding
from workers.inspection.checks import classifier
from workers.inspection.checks.agreement import claims_of
from workers.inspection.checks.classifier import BLOCK
from workers.inspection.checks.coverage import conclude, profile_finding
from workers.inspection.checks.port import CONTENT, BaseCheck, BaseScan, Report, Subject
from workers.inspection.parsers.port import LimitExceeded
from workers.inspection.readings import MEDIA_TYPE, Reading
from workers.inspection.sandbox.frames import (
    ExaminationEnd,
    ExaminationRequest,
    Examined,
    FoundBy,
    FoundReading,
    Frame,
    MemberData,
    MemberEnd,
    MemberStart,
)
from workers.inspection.sandbox.pool import Processes, Sandbox
from workers.inspection.sandbox.process import CRASHED
from workers.inspection.spool import Spool

# A process that was taken over cannot fill the worker's memory with findings or readings.
MAX_FINDINGS = 100
MAX_READINGS = 20


class ContentCheck(BaseCheck):
    """The check, made once at start-up: `modules` has the full name of each examiner's module by its name."""

    name = CONTENT

    def __init__(self, modules: Mapping[str, str], sandbox: Sandbox) -> None:
        self._modules = modules
        self.sandbox = sandbox

    def needs_copy(self, subject: Subject) -> bool:  # noqa: ARG002 # the port's
        return True

    def begin(self, subject: Subject) -> "ContentScan":
        return ContentScan(self, subject)

    def request(self, subject: Subject, size: int) -> ExaminationRequest:
        """What the sandbox is asked; raises LimitExceeded where the time for the object is used up."""
        limits = subject.profile.limits
        seconds = lifetime = limits.get("parse_seconds", DEFAULTS["parse_seconds"])
        if subject.members is not None:
            if subject.members.seconds <= 0:
                raise LimitExceeded(
                    "The time for the object and its members is used up (inspect_seconds).", "timed_out"
                )
            lifetime = math.ceil(subject.members.seconds)
            seconds = min(seconds, lifetime)
        examiners = {name: module for name, module in self._modules.items() if name in subject.profile.checks}
        return ExaminationRequest(
            examiners, claims_of(subject.intent.content_type, subject.name), size, seconds, lifetime, limits
        )

    @property
    def missing(self) -> Sequence[str]:
        """The layers of confinement that its children had to do without."""
        return self.sandbox.missing

    async def ready(self) -> None:
        """Have a child ready; raises Unavailable("sandbox") if that fails."""
        await self.sandbox.ready()

    async def close(self) -> None:
        await self.sandbox.close()


class ContentScan(BaseScan):
    """The examination of one object or member, once its copy is complete."""

    def __init__(self, check: ContentCheck, subject: Subject) -> None:
        self._check = check
        self._subject = subject
        self._readings: list[Reading] = []
        self._examined: set[str] = set()
        self._findings: dict[Finding, None] = {}
        self._spool: Spool | None = None
        self._name = ""

    async def feed(self, chunk: bytes) -> None:  # noqa: ARG002 # the port's
        return

    async def finish(self) -> Report:
        try:
            # Of one inspection there is one `members`, so that its members share the children of the object.
            async with self._check.sandbox.inspection(self._subject.members or self) as processes:
                await self._examine(processes)
        except LimitExceeded as limit:
            self._add("", limit.code, limit.message)
        finally:
            self._close_spool()
        opinion = await self._opinion()
        report = conclude(self._subject, self._readings, self._examined, list(self._findings), opinion)
        return replace(report, engine=classifier.engine() if opinion else None)

    async def _examine(self, processes: Processes) -> None:
        copy = self._subject.copy
        if copy is None:
            raise LimitExceeded("There is no copy to read.")
        request = self._check.request(self._subject, copy.size)
        async with aclosing(processes.examine(copy, request)) as frames:
            async for frame in frames:
                await self._take(frame)

    async def _take(self, frame: Frame) -> None:
        match frame:
            case FoundReading(reading):
                if len(self._readings) < MAX_READINGS:
                    self._readings.append(reading)
            case Examined(media_type, examiner):
                self._take_examined(media_type, examiner)
            case FoundBy(examiner, found):
                self._add(examiner, found.code, found.message)
            case ExaminationEnd(seconds):
                if self._subject.members is not None:
                    self._subject.members.spend(seconds=seconds)
            case _:
                await self._take_member(frame)

    async def _take_member(self, frame: MemberStart | MemberData | MemberEnd) -> None:
        match frame:
            case MemberStart(name):
                self._start(name)
            case MemberData(data):
                await self._write(data)
            case MemberEnd():
                await self._inspect()

    def _take_examined(self, media_type: str, examiner: str) -> None:
        # The process may have been taken over: an examiner examines its own formats, where the profile names it.
        if format_of(media_type).examiner == examiner and examiner in self._subject.profile.checks:
            self._examined.add(media_type)

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

    def _add(self, examiner: str, code: str, message: str) -> None:
        if len(self._findings) < MAX_FINDINGS:
            check = examiner if examiner in (*EXAMINERS, MEDIA_TYPE) else self._busy_examiner()
            self._findings[profile_finding(self._subject.profile, check, code, message)] = None

    def _busy_examiner(self) -> str:
        """The examiner whose reading is under examination, where there is one."""
        for reading in self._readings:
            examiner = format_of(reading.media_type).examiner
            if examiner in self._subject.profile.checks and reading.media_type not in self._examined:
                return str(examiner)
        return MEDIA_TYPE

    async def _opinion(self) -> str:
        """What the model takes an object of no known format for; "" for others, and for members, which can be many."""
        unknown = [each.media_type for each in self._readings] == [OCTET_STREAM]
        copy = self._subject.copy
        if copy is None or not unknown or self._subject.path or MEDIA_TYPE not in self._subject.profile.checks:
            return ""
        return await classifier.classify(copy.at(0, BLOCK), copy.at(max(BLOCK, copy.size - BLOCK), BLOCK))
