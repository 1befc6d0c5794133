"""The check `checksum`: establishes the SHA-256, and that it is the declared one where one was declared."""

import hashlib

from airlock.verdict import Finding, Outcome
from workers.inspection.checks.port import BaseCheck, BaseScan, Report, Subject

NAME = "checksum"


class ChecksumCheck(BaseCheck):
    """See the module's first line."""

    name = NAME

    def begin(self, subject: Subject) -> "ChecksumScan":
        return ChecksumScan(subject.intent.sha256)


class ChecksumScan(BaseScan):
    """`declared` is in hex, or None."""

    def __init__(self, declared: str | None) -> None:
        self._declared = declared
        self._digest = hashlib.sha256()

    async def feed(self, chunk: bytes) -> None:
        self._digest.update(chunk)

    async def finish(self) -> Report:
        found = self._digest.hexdigest()
        if self._declared is None or self._declared.lower() == found:
            return Report(sha256=found)
        message = f"declared with SHA-256 {self._declared[:64]}, but it is {found}"
        finding = Finding(code="checksum_mismatch", check=NAME, outcome=Outcome.REJECTED, message=message)
        return Report((finding,), sha256=found)
