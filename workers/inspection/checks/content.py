"""The examination of content: which readings the bytes have, and that each was examined. Every profile has it.

How it works:

1. When the copy is complete, a process of the sandbox identifies all readings of the bytes, and lets the examiner that
   owns each reading examine it, where the profile names that examiner. It sends what it finds, and the members.
2. Each member is spooled, and inspected as an object is, while the process waits.
3. A reading that no examiner of the profile examined is `not_examined`, unless the profile lists its type in
   `unexamined`. So bytes of which nobody knows the format are never accepted by silence.
4. Where the profile has the check `media_type`, the readings have to agree with each other, with the declaration, the
   name and the profile (`agreement`). Of a member, its type has to be among the profile's member types.
"""

import math
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing

from airlock.content_rules import allowed_by, type_that_runs
from airlock.formats import EXAMINERS, OCTET_STREAM, format_of
from airlock.limits import DEFAULTS
from airlock.media_types import EXTENSIONS, extension
from airlock.profile import Profile
from airlock.verdict import ExaminedReading, Finding, Outcome
from workers.inspection.checks.agreement import Objection, agree, claims_of, second_reading_objections
from workers.inspection.checks.port import BaseCheck, BaseScan, Report, Subject
from workers.inspection.parsers.port import LimitExceeded, Reading
from workers.inspection.sandbox.frames import (
    Examined,
    ExaminationEnd,
    ExaminationRequest,
    FoundBy,
    FoundReading,
    Frame,
    MemberData,
    MemberEnd,
    MemberStart,
)
from workers.inspection.sandbox.pool import Sandbox
from workers.inspection.sandbox.process import CRASHED
from workers.inspection.spool import Spool

NAME = "content"
MEDIA_TYPE = "media_type"
"""The check by which a profile asks for agreement."""

# A process that was taken over cannot fill the worker's memory with findings or readings.
MAX_FINDINGS = 100
MAX_READINGS = 20

_OUTCOMES = {"reject": Outcome.REJECTED, "unscannable": Outcome.UNSCANNABLE, "note": Outcome.ACCEPTED}


def finding(profile: Profile, check: str, code: str, message: str) -> Finding:
    """A finding with the outcome that its code amounts to in the profile."""
    return Finding(code=code, check=check, outcome=_OUTCOMES[profile.amount(code)], message=message)


class ContentCheck(BaseCheck):
    """The check, made once at start-up: `modules` has the full name of each examiner's module by its name."""

    name = NAME

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
        seconds = limits.get("parse_seconds", DEFAULTS["parse_seconds"])
        if subject.members is not None:
            if subject.members.seconds <= 0:
                raise LimitExceeded("The time for the object and its members is used up (inspect_seconds).", "timed_out")
            seconds = min(seconds, math.ceil(subject.members.seconds))
        examiners = {name: module for name, module in self._modules.items() if name in subject.profile.checks}
        return ExaminationRequest(examiners, claims_of(subject.intent.content_type, subject.name), size, seconds, limits)

    async def ready(self) -> None:
        """Start the fork server before the first object; raises Unavailable("sandbox") if that fails."""
        self.sandbox.ready()

    async def close(self) -> None:
        await self.sandbox.close()


class ContentScan(BaseScan):
    """The examination of one object or member, once its copy is complete."""

    def __init__(self, check: ContentCheck, subject: Subject) -> None:
        self._check = check
        self._subject = subject
        self._readings: list[Reading] = []
        self._examined: dict[str, list[str]] = {}
        self._findings: dict[Finding, None] = {}
        self._spool: Spool | None = None
        self._name = ""

    async def feed(self, chunk: bytes) -> None:  # noqa: ARG002 # the port's
        return

    async def finish(self) -> Report:
        try:
            async with aclosing(self._frames()) as frames:
                async for frame in frames:
                    await self._take(frame)
        except LimitExceeded as limit:
            self._add("", limit.code, limit.message)
        finally:
            self._close_spool()
        return self._report()

    def _frames(self) -> AsyncGenerator[Frame, None]:
        copy = self._subject.copy
        if copy is None:
            raise LimitExceeded("There is no copy to read.")
        request = self._check.request(self._subject, copy.size)
        return self._check.sandbox.examine(copy.fd, request, depth=self._subject.depth)

    async def _take(self, frame: Frame) -> None:
        match frame:
            case FoundReading(reading):
                if len(self._readings) < MAX_READINGS:
                    self._readings.append(reading)
            case Examined(media_type, examiner):
                self._take_examined(media_type, examiner)
            case FoundBy(examiner, found):
                self._add(examiner, found.code, found.message)
            case MemberStart(name):
                self._start(name)
            case MemberData(data):
                await self._write(data)
            case MemberEnd():
                await self._inspect()
            case ExaminationEnd(seconds):
                if self._subject.members is not None:
                    self._subject.members.spend(seconds=seconds)

    def _take_examined(self, media_type: str, examiner: str) -> None:
        # The process may have been taken over: an examiner examines its own formats, where the profile names it.
        if format_of(media_type).examiner == examiner and examiner in self._subject.profile.checks:
            self._examined.setdefault(media_type, []).append(examiner)

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
            check = examiner if examiner in EXAMINERS else self._busy_examiner()
            self._findings[finding(self._subject.profile, check, code, message)] = None

    def _busy_examiner(self) -> str:
        """The examiner whose reading is under examination, where there is one."""
        for reading in self._readings:
            examiner = format_of(reading.media_type).examiner
            if examiner in self._subject.profile.checks and reading.media_type not in self._examined:
                return str(examiner)
        return MEDIA_TYPE

    def _report(self) -> Report:
        readings = self._readings or [Reading(OCTET_STREAM)]
        profile, intent = self._subject.profile, self._subject.intent
        if self._subject.path:
            kept, objections = readings[0].media_type, tuple(self._member_objections(readings))
        elif MEDIA_TYPE in profile.checks:
            kept, objections = agree(readings, intent.content_type, intent.filename, profile)
        else:
            kept, objections = readings[0].media_type, ()
        found = [*self._findings, *(finding(profile, MEDIA_TYPE, *each) for each in objections)]
        found += self._not_examined(readings, found)
        examined = (ExaminedReading(media_type=one.media_type, examined_by=self._examiners(one)) for one in readings)
        return Report(tuple(found), media_type=kept, readings=tuple(examined))

    def _examiners(self, reading: Reading) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._examined.get(reading.media_type, ())))

    def _member_objections(self, readings: list[Reading]) -> Iterator[Objection]:
        profile, name = self._subject.profile, self._subject.name
        yield from second_reading_objections(readings)
        media_type, runs = readings[0].media_type, type_that_runs(name)
        named = EXTENSIONS.get(extension(name), OCTET_STREAM)
        if runs is not None and not profile.takes_member(named):
            yield Objection("member_not_allowed", f"Its name ends in {runs}, which systems, browsers or servers run.")
        elif not profile.takes_member(media_type) and not self._named_among_unexamined(media_type):
            shown = "of no known format" if media_type == OCTET_STREAM else media_type
            yield Objection("member_not_allowed", f"It is {shown}, which is not among the profile's member types.")

    def _named_among_unexamined(self, media_type: str) -> bool:
        return allowed_by(self._subject.profile.unexamined, media_type)

    def _not_examined(self, readings: list[Reading], found: list[Finding]) -> Iterator[Finding]:
        """The finding for each reading that nobody examined, where no finding says why."""
        profile = self._subject.profile
        explained = {each.check for each in found if each.outcome is not Outcome.ACCEPTED}
        for reading in readings:
            examiner = format_of(reading.media_type).examiner
            if self._examiners(reading) or profile.leaves_unexamined(reading.media_type) or examiner in explained:
                continue
            yield finding(profile, "worker", "not_examined", _not_examined_message(reading.media_type, examiner))


def _not_examined_message(media_type: str, examiner: str | None) -> str:
    if media_type == OCTET_STREAM:
        return "The bytes are of no known format, so no check examined them."
    if examiner is None:
        return f"The bytes are {media_type}, which no check examines."
    return f"The bytes are {media_type}; the check {examiner}, which examines it, is not in the profile."
