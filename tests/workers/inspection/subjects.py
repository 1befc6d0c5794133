"""Subjects and scans for the tests of checks."""

from typing import Any

from airlock.intent import Intent
from airlock.profile import Profile
from workers.inspection.checks.port import Check, Report, Subject


def subject(length: int = 0, /, *, content_type: str = "text/plain", **more: Any) -> Subject:
    """A subject under a profile that takes up to 1 MiB, from 1 byte; `more` overrides the intent's fields."""
    rules = {"checks": more.pop("checks", ("size", "checksum")), "max_bytes": more.pop("max_bytes", 1024**2)}
    profile = Profile(name="test", content_types=("*/*",), unexamined=("*/*",), **rules)
    described: dict[str, Any] = {"owner": "alice", "profile": "test", "filename": "f", "content_type": content_type}
    return Subject(Intent(**{**described, **more}), profile, length, "etag")


async def scan(check: Check, body: bytes, *, chunk: int = 65536, **about: Any) -> Report:
    """The report of one check on `body`, fed in chunks."""
    scanning = check.begin(subject(len(body), **about))
    try:
        for start in range(0, len(body), chunk):
            await scanning.feed(body[start : start + chunk])
        return await scanning.finish()
    finally:
        await scanning.close()


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings]
