"""The check `clamd`: ClamAV finds no malware in the object.

clamd answers OK for what it did not scan, unless its configuration has `AlertExceedsMax yes` and `AlertEncrypted yes`:
both are required. A limit or an encryption that it then reports is a finding, unscannable.

Where the object has a copy and clamd listens on a unix socket, clamd gets a descriptor of the copy; if it refuses that,
the copy is streamed. Otherwise the bytes are streamed as they are read.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from airlock.callables import Clock
from airlock.errors import Outage, Unavailable
from airlock.verdict import Engine, Finding, Outcome
from workers.inspection.checks.port import BaseCheck, BaseScan, Report, Subject
from workers.inspection.clamd.client import ClamdClient, Stream
from workers.inspection.spool import Spool

NAME = "clamd"
# ClamAV scans nothing above this size, whatever its configuration says.
LARGEST = 2 * 1024**3 - 1
CHUNK = 256 * 1024

_FOUND, _ERROR = " FOUND", " ERROR"
_UNSCANNABLE = {"Heuristics.Limits.Exceeded": "limits_exceeded", "Heuristics.Encrypted": "encrypted"}


@dataclass(frozen=True, slots=True)
class MaxAge:
    """The greatest age of definitions, in whole `days` (0: any age). `now` gives seconds since the epoch."""

    days: int
    now: Clock

    def checked(self, engine: Engine) -> Engine:
        """`engine` with the age of its definitions in its version; raises Unavailable when they are too old.

        Definitions without a date, such as an operator's own, have no age.
        """
        if engine.signatures_at is None:
            return engine
        # clamd writes the date in its own time zone, so it can be in the future: that counts as new.
        age = max(timedelta(), datetime.fromtimestamp(self.now(), UTC) - engine.signatures_at)
        if self.days and age > timedelta(days=self.days):
            raise Outage("clamd", f"its definitions are {age.days} days old; AIRLOCK_CLAMD_MAX_AGE is {self.days}")
        return engine.model_copy(update={"version": f"{engine.version} ({age.days} days old)"})


class ClamdCheck(BaseCheck):
    """Scans with one clamd. Without `descriptors`, copies are always streamed."""

    name = NAME

    def __init__(self, clamd: ClamdClient, max_age: MaxAge | None = None, *, descriptors: bool = True) -> None:
        self.clamd = clamd
        self._max_age = max_age
        self._descriptors = descriptors and clamd.local

    def begin(self, subject: Subject) -> "ClamdScan":
        return ClamdScan(self, subject, by_descriptor=self._descriptors)

    async def ready(self) -> Engine:
        return self._checked(await self.clamd.version())

    async def engine(self) -> Engine:
        """The engine, as of at most a minute ago; raises Unavailable when its definitions are too old."""
        return self._checked(await self.clamd.engine())

    def _checked(self, engine: Engine) -> Engine:
        return self._max_age.checked(engine) if self._max_age else engine


class ClamdScan(BaseScan):
    """Streams the bytes as they are read, or passes the copy once it is complete."""

    def __init__(self, check: ClamdCheck, subject: Subject, *, by_descriptor: bool) -> None:
        self._check = check
        self._subject = subject
        self._copy = subject.copy if by_descriptor else None
        self._size = 0
        self._stream: Stream | None = None

    async def feed(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._too_large:
            await self.close()
        elif self._copy is None:
            await (await self._open()).send(chunk)

    async def finish(self) -> Report:
        if self._too_large:
            return self._above_limit()
        engine = await self._check.engine()
        answer = await self._answer()
        # Frees the connection now: members of this object may wait for it while the other checks finish.
        await self.close()
        return Report(_findings(answer), engine)

    async def close(self) -> None:
        if self._stream is not None:
            self._stream.close()

    @property
    def _too_large(self) -> bool:
        return max(self._size, self._subject.size) > LARGEST

    async def _open(self) -> Stream:
        if self._stream is None:
            await self._check.engine()
            self._stream = await self._check.clamd.stream()
        return self._stream

    async def _answer(self) -> str:
        if self._copy is not None:
            answer = await self._passed(self._copy)
            if not answer.endswith(_ERROR):
                return answer
            # AppArmor, as on Debian, refuses a descriptor of a file that clamd may not open itself.
            async for chunk in self._copy.chunks(CHUNK):
                await (await self._open()).send(chunk)
        return await (await self._open()).finish()

    async def _passed(self, copy: Spool) -> str:
        descriptor = copy.reader()
        try:
            return await self._check.clamd.scan_file(descriptor)
        finally:
            os.close(descriptor)

    def _above_limit(self) -> Report:
        if self._subject.profile.above_engine_limit != "unscannable":
            return Report(missing=(NAME,))
        message = "The object is larger than ClamAV can scan (2 GiB)."
        return Report((_unscannable("above_engine_limit", message),))


def _findings(answer: str) -> tuple[Finding, ...]:
    """The findings in an answer; raises Unavailable where the answer is none of clamd's verdicts."""
    if answer == "OK":
        return ()
    if answer.startswith("INSTREAM size limit exceeded"):
        return (_unscannable("limits_exceeded", "The object is larger than clamd accepts (StreamMaxLength)."),)
    if not answer.endswith(_FOUND):
        raise Unavailable("clamd", f"its answer is not a verdict: {answer[:128]!r}")
    name = answer.removesuffix(_FOUND)
    for prefix, code in _UNSCANNABLE.items():
        if name.startswith(prefix):
            return (_unscannable(code, f"ClamAV could not scan all of it: {name}."),)
    return (Finding(code="clamd_match", check=NAME, outcome=Outcome.INFECTED, message=f"ClamAV found {name}."),)


def _unscannable(code: str, message: str) -> Finding:
    return Finding(code=code, check=NAME, outcome=Outcome.UNSCANNABLE, message=message)
