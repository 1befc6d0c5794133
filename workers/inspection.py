"""Inspection: reads an object once and runs its profile's checks over it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, TypeVar

from airlock.errors import Unavailable
from airlock.verdict import Engine, Finding, Verdict, decide
from workers.checks.port import Check, Report, Scan, Subject

CHUNK = 256 * 1024

Clock = Callable[[], float]
T = TypeVar("T")


class Inspector:
    """`checks` by name: all that any profile names. `now` gives seconds since the epoch."""

    def __init__(self, checks: Mapping[str, Check], now: Clock) -> None:
        self._checks = checks
        self._now = now

    async def inspect(self, subject: Subject, chunks: AsyncIterator[bytes]) -> Verdict:
        """The verdict of all of the profile's checks on `subject.size` bytes.

        Raises Unavailable when an engine or the bytes are away: what was not seen has no verdict.
        """
        async with AsyncExitStack() as stack:
            scans = []
            for name in subject.profile.checks:
                scan = self._checks[name].begin(subject)
                stack.push_async_callback(scan.close)
                scans.append(scan)
            size = await _feed_all(scans, chunks)
            if size != subject.size:
                raise Unavailable("s3", f"{size} bytes came of an object of {subject.size}")
            reports = await _together(scan.finish() for scan in scans)
        return self._verdict(subject, size, reports)

    async def ready(self) -> None:
        """Raises Unavailable when an engine that some profile needs is away."""
        await _together(check.ready() for check in self._checks.values())

    async def close(self) -> None:
        """End what the checks have started."""
        for check in self._checks.values():
            await check.close()

    def _verdict(self, subject: Subject, size: int, reports: list[Report]) -> Verdict:
        findings: list[Finding] = [finding for report in reports for finding in report.findings]
        engines: list[Engine] = [report.engine for report in reports if report.engine]
        return Verdict(
            outcome=decide(findings),
            findings=tuple(dict.fromkeys(findings)),
            engines=tuple(dict.fromkeys(engines)),
            checks=subject.profile.checks,
            bytes=size,
            sha256=next((report.sha256 for report in reports if report.sha256), None),
            media_type=next((report.media_type for report in reports if report.media_type), None),
            inspected_at=datetime.fromtimestamp(self._now(), UTC),
        )


async def _feed_all(scans: list[Scan], chunks: AsyncIterator[bytes]) -> int:
    """Feed each chunk to all scans at once; the slowest of them sets the pace at which more is read."""
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        await _together(scan.feed(chunk) for scan in scans)
    return size


async def _together(steps: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run all; when one fails the others are cancelled and have ended before its error goes on."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(step) for step in steps]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
