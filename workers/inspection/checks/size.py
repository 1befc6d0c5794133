"""The check `size`: the object's size is within the profile's limits and equals the declared size."""

from collections.abc import Iterator

from airlock.verdict import Finding, Outcome
from workers.inspection.checks.port import BaseCheck, BaseScan, Report, Subject

NAME = "size"


class SizeCheck(BaseCheck):
    """The check, made once at start-up."""

    name = NAME

    def begin(self, subject: Subject) -> "SizeScan":
        return SizeScan(subject)


class SizeScan(BaseScan):
    """Counts the bytes: the size in a header is not trusted."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._size = 0

    @property
    def fatal(self) -> bool:
        return self._size > self._subject.profile.max_bytes

    async def feed(self, chunk: bytes) -> None:
        self._size += len(chunk)

    async def finish(self) -> Report:
        return Report(tuple(self._findings()))

    def _findings(self) -> Iterator[Finding]:
        size, profile, declared = self._size, self._subject.profile, self._subject.intent.size
        if size < profile.min_bytes:
            yield _rejected("too_small", f"The object has {size} bytes; the profile's minimum is {profile.min_bytes}.")
        if size > profile.max_bytes:
            yield _rejected("too_large", f"The object has {size} bytes; the profile's maximum is {profile.max_bytes}.")
        if declared is not None and declared != size:
            yield _rejected("size_mismatch", f"The declared size is {declared} bytes, but the object has {size}.")


def _rejected(code: str, message: str) -> Finding:
    return Finding(code=code, check=NAME, outcome=Outcome.REJECTED, message=message)
