"""The check `clamd`: ClamAV knows nothing bad in it.

clamd says OK of what it did not look at, unless `AlertExceedsMax yes` and `AlertEncrypted yes` stand in its
configuration: they have to. What it then reports as a limit or as encrypted is unscannable here.

Where another check had the object copied and clamd listens on a unix socket, it is handed the copy, and where it
refuses that, the copy is streamed; otherwise the bytes are streamed to it as they come.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from airlock.callables import Clock
from airlock.errors import Unavailable
from airlock.verdict import Engine, Finding, Outcome
from workers.inspection.checks.port import BaseCheck, BaseScan, Report, Subject
from workers.inspection.clamd.client import ClamdClient, Stream
from workers.inspection.spool import Spool

NAME = "clamd"
# Above it the engine looks at nothing, whatever its configuration says.
LARGEST = 2 * 1024**3 - 1
CHUNK = 256 * 1024

_FOUND, _ERROR = " FOUND", " ERROR"
_UNSCANNABLE = {"Heuristics.Limits.Exceeded": "limits_exceeded", "Heuristics.Encrypted": "encrypted"}


@dataclass(frozen=True, slots=True)
class MaxAge:
    """Definitions may be so many whole `days` old (0: of any age) by `now`, in seconds since the epoch."""

    days: int
    now: Clock

    def checked(self, engine: Engine) -> Engine:
        """`engine` and how old its definitions are; raises Unavailable when that is too old.

        Definitions without a date, such as an operator's own alone, have no age.
        """
        if engine.signatures_at is None:
            return engine
        # In another time zone's future they are as good as new.
        age = max(timedelta(), datetime.fromtimestamp(self.now(), UTC) - engine.signatures_at)
        if self.days and age > timedelta(days=self.days):
            raise Unavailable("clamd", f"its definitions are {age.days} days old; AIRLOCK_CLAMD_MAX_AGE is {self.days}")
        return engine.model_copy(update={"version": f"{engine.version} ({age.days} days old)"})


class ClamdCheck(BaseCheck):
    """Asks one clamd. Without `descriptors` the copy of an object is not handed to it."""

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
        """Who looks, as of at most a minute ago; raises Unavailable when its definitions are too old to believe."""
        return self._checked(await self.clamd.engine())

    def _checked(self, engine: Engine) -> Engine:
        return self._max_age.checked(engine) if self._max_age else engine


class ClamdScan(BaseScan):
    """Passes the bytes on as they come, or the copy when it is whole."""

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
        # What waits for a connection while we wait for the other checks may be a member of this very object.
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
            # A clamd that AppArmor confines, as Debian's, gets no descriptor of a file that it may not open itself.
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
        message = "the object is larger than ClamAV can scan (2 GiB)"
        return Report((_unscannable("above_engine_limit", message),))


def _findings(answer: str) -> tuple[Finding, ...]:
    """What an answer says; raises Unavailable for one that is no verdict."""
    if answer == "OK":
        return ()
    if answer.startswith("INSTREAM size limit exceeded"):
        return (_unscannable("limits_exceeded", "the object is larger than clamd takes (StreamMaxLength)"),)
    if not answer.endswith(_FOUND):
        raise Unavailable("clamd", f"answered {answer[:128]!r}")
    name = answer.removesuffix(_FOUND)
    for prefix, code in _UNSCANNABLE.items():
        if name.startswith(prefix):
            return (_unscannable(code, f"ClamAV could not look at all of it: {name}"),)
    return (Finding(code="clamd_match", check=NAME, outcome=Outcome.INFECTED, message=f"ClamAV found {name}"),)


def _unscannable(code: str, message: str) -> Finding:
    return Finding(code=code, check=NAME, outcome=Outcome.UNSCANNABLE, message=message)
