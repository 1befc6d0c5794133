"""The check `clamd`: ClamAV knows nothing bad in it.

clamd says OK of what it did not look at, unless `AlertExceedsMax yes` and `AlertEncrypted yes` stand in its
configuration: they have to. What it then reports as a limit or as encrypted is unscannable here.
"""

from airlock.errors import Unavailable
from airlock.verdict import Engine, Finding, Outcome
from workers.checks.port import Report, Subject
from workers.clamd import Clamd, Stream

NAME = "clamd"
# Above it the engine looks at nothing, whatever its configuration says.
LARGEST = 2 * 1024**3 - 1

_FOUND = " FOUND"
_UNSCANNABLE = {"Heuristics.Limits.Exceeded": "limits_exceeded", "Heuristics.Encrypted": "encrypted"}


class ClamdCheck:
    """Asks one clamd."""

    name = NAME

    def __init__(self, clamd: Clamd) -> None:
        self._clamd = clamd

    def begin(self, subject: Subject) -> "ClamdScan":
        return ClamdScan(self._clamd, subject.size)

    async def ready(self) -> Engine:
        return await self._clamd.version()

    async def close(self) -> None:
        return


class ClamdScan:
    """Passes the bytes on as they come."""

    def __init__(self, clamd: Clamd, size: int) -> None:
        self._clamd = clamd
        self._too_large = size > LARGEST
        self._stream: Stream | None = None

    async def feed(self, chunk: bytes) -> None:
        if not self._too_large:
            await (await self._open()).send(chunk)

    async def finish(self) -> Report:
        if self._too_large:
            return Report((_unscannable("limits_exceeded", "the object is larger than ClamAV can scan"),))
        answer = await (await self._open()).finish()
        return Report(_findings(answer), await self._clamd.engine())

    async def close(self) -> None:
        if self._stream is not None:
            self._stream.close()

    async def _open(self) -> Stream:
        if self._stream is None:
            self._stream = await self._clamd.stream()
        return self._stream


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
