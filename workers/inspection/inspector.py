"""Inspection: reads an object once and runs its profile's checks over it, and over what is in it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from airlock.callables import Clock
from airlock.errors import Unavailable
from airlock.verdict import Verdict, decide
from workers.inspection.checks.port import HEAD, Check, Report, Scan, Subject
from workers.inspection.members import Members
from workers.inspection.reports import merged_findings
from workers.inspection.spool import Spool

CHUNK = 256 * 1024

T = TypeVar("T")


class Inspector:
    """`checks` by name: all that any profile names. `now` gives seconds since the epoch.

    `spool_folder` is where the copies of large objects go meanwhile (None: where the system keeps temporary files).
    """

    def __init__(self, checks: Mapping[str, Check], now: Clock, spool_folder: Path | None = None) -> None:
        self._checks = checks
        self._now = now
        self._spool_folder = spool_folder

    async def inspect(self, subject: Subject, chunks: AsyncIterator[bytes]) -> Verdict:
        """The verdict of all of the profile's checks on `subject.size` bytes, and on the members of archives.

        Raises Unavailable when an engine or the bytes are away: what was not seen has no verdict.
        """
        members = Members(subject.profile.limits, self._run_checks, self._spool)
        subject = replace(subject, members=members)
        read = _CountingChunks(chunks)
        reports = await self._run_checks(subject, read, subject.profile.checks)
        return self._verdict(subject, [*reports, *members.reports], reports, read.size)

    async def ready(self) -> None:
        """Raises Unavailable when an engine that some profile needs is away."""
        await _run_all(check.ready() for check in self._checks.values())

    async def close(self) -> None:
        """End what the checks have started."""
        for check in self._checks.values():
            await check.close()

    async def _run_checks(self, subject: Subject, chunks: AsyncIterator[bytes], names: Sequence[str]) -> list[Report]:
        """What the checks of these names report of the object or the member."""
        first = await _first_chunks(chunks)
        subject = replace(subject, head=b"".join(first)[:HEAD])
        checks = [self._checks[name] for name in names]
        sinks: list[Callable[[bytes], Coroutine[Any, Any, None]]] = []
        async with AsyncExitStack() as stack:
            if subject.copy is None and any(check.needs_copy(subject) for check in checks):
                copy = stack.enter_context(self._spool())
                subject = replace(subject, copy=copy)
                sinks.append(copy.write)
            scans = [_SelfClosingScan(check.begin(subject)) for check in checks]
            for scan in scans:
                stack.push_async_callback(scan.close)
                sinks.append(scan.feed)
            may_stop = subject.profile.stop_early and not subject.depth
            size = await _feed_all(sinks, _chained(first, chunks), lambda: may_stop and any(s.fatal for s in scans))
            if may_stop and (fatal := [scan for scan in scans if scan.fatal]):
                # The others did not see all of it: what they would report is worth nothing.
                return await _run_all(scan.finish() for scan in fatal)
            if size != subject.size:
                raise Unavailable("s3", f"{size} bytes came of an object of {subject.size}")
            return await _run_all(scan.finish() for scan in scans)

    def _spool(self) -> Spool:
        return Spool(self._spool_folder)

    def _verdict(self, subject: Subject, reports: list[Report], own: list[Report], size: int) -> Verdict:
        findings = [finding for report in reports for finding in report.findings]
        return Verdict(
            outcome=decide(findings),
            findings=merged_findings(findings),
            engines=tuple(dict.fromkeys(report.engine for report in reports if report.engine)),
            checks=subject.profile.checks,
            missing=tuple(dict.fromkeys(name for report in reports for name in report.missing)),
            bytes=size,
            sha256=next((report.sha256 for report in own if report.sha256), None),
            media_type=next((report.media_type for report in own if report.media_type), None),
            inspected_at=datetime.fromtimestamp(self._now(), UTC),
        )


class _SelfClosingScan:
    """A scan that is closed as soon as it has reported.

    An archive's members may need what its own scan held, such as one of a few connections: nobody is to hold one while
    waiting for another.
    """

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._closed = False
        self.feed = scan.feed

    @property
    def fatal(self) -> bool:
        return self._scan.fatal

    async def finish(self) -> Report:
        try:
            return await self._scan.finish()
        finally:
            await self.close()

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            await self._scan.close()


async def _first_chunks(chunks: AsyncIterator[bytes]) -> list[bytes]:
    """The first chunks, which have the head."""
    first: list[bytes] = []
    while sum(map(len, first)) < HEAD:
        chunk = await anext(chunks, b"")
        if not chunk:
            break
        first.append(chunk)
    return first


async def _chained(first: list[bytes], rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    for chunk in first:
        yield chunk
    async for chunk in rest:
        yield chunk


class _CountingChunks:
    """The chunks, and how many bytes of them were taken."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self.size = 0

    def __aiter__(self) -> "_CountingChunks":
        return self

    async def __anext__(self) -> bytes:
        chunk = await anext(self._chunks)
        self.size += len(chunk)
        return chunk


async def _feed_all(
    sinks: Sequence[Callable[[bytes], Coroutine[Any, Any, None]]],
    chunks: AsyncIterator[bytes],
    enough: Callable[[], bool],
) -> int:
    """Feed each chunk to all at once, until it is `enough`; the slowest of them sets the pace at which more is read."""
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        await _run_all(sink(chunk) for sink in sinks)
        if enough():
            break
    return size


async def _run_all(steps: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run all; when one fails the others are cancelled and have ended before its error goes on."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(step) for step in steps]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
