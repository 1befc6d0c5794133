"""The check `size`: the object's size is within the profile's limits and is the declared one."""

from airlock.verdict import Finding, Outcome
from workers.inspection.checks.port import BaseCheck, BaseScan, Report, Subject

NAME = "size"


class SizeCheck(BaseCheck):
    """See the module's first line."""

    name = NAME

    def begin(self, subject: Subject) -> "SizeScan":
        return SizeScan(subject)


class SizeScan(BaseScan):
    """Counts the bytes that come, rather than believing a header."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._size = 0

    @property
    def fatal(self) -> bool:
        return self._size > self._subject.profile.max_bytes

    async def feed(self, chunk: bytes) -> None:
        self._size += len(chunk)

    async def finish(self) -> Report:
        profile, declared = self._subject.profile, self._subject.intent.size
        findings = []
        if self._size < profile.min_bytes:
            findings.append(_found("too_small", f"{self._size} bytes; the profile takes {profile.min_bytes} or more"))
        if self._size > profile.max_bytes:
            findings.append(_found("too_large", f"{self._size} bytes; the profile takes {profile.max_bytes} at most"))
        if declared is not None and declared != self._size:
            findings.append(_found("size_mismatch", f"declared as {declared} bytes, but there are {self._size}"))
        return Report(tuple(findings))


def _found(code: str, message: str) -> Finding:
    return Finding(code=code, check=NAME, outcome=Outcome.REJECTED, message=message)
