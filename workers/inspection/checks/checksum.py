"""The check `checksum`: computes the SHA-256, and compares it with the declared one, if one was declared."""

import hashlib

from airlock.verdict import Finding, Outcome
from workers.inspection.checks.port import BaseCheck, BaseScan, Report, Subject

NAME = "checksum"


class ChecksumCheck(BaseCheck):
    """The check, made once at start-up."""

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
        message = f"The declared SHA-256 is {self._declared[:64]}, but the object's is {found}."
        finding = Finding(code="checksum_mismatch", check=NAME, outcome=Outcome.REJECTED, message=message)
        return Report((finding,), sha256=found)
