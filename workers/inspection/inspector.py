"""Inspection of one object: every check of its profile sees every byte, and the findings become one verdict.

How it works:

1. The first chunks are read until the head (the first 4 KiB) is known. By it a check decides whether it needs a copy.
2. Each check begins a scan. Where one needs a copy, a spool takes the bytes too.
3. A chunk is given to all scans and the spool at once, and the next one is read when all have taken it. So the slowest
   sets the pace, and the memory that is used does not grow with the object.
4. All scans finish at once and report. The scan of an archive hands out members while it finishes: `Members` runs
   steps 1 to 4 over each of them.
5. The findings of the object and of its members become one verdict.

An error in any scan (an engine is unavailable, the disk is full) cancels the others, and there is no verdict: the
object is inspected again later.
"""

import asyncio
import functools
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from airlock.callables import Clock
from airlock.content.formats import EXAMINERS
from airlock.errors import Unavailable
from airlock.verdict import Verdict, decide
from workers.inspection.checks.port import CONTENT, HEAD, Check, Report, Scan, Subject
from workers.inspection.members import Members
from workers.inspection.readings import MEDIA_TYPE
from workers.inspection.reports import member_types, merged_findings
from workers.inspection.room import Room
from workers.inspection.spool import IN_MEMORY, Spool

CHUNK = 256 * 1024

Sink = Callable[[bytes], Coroutine[Any, Any, None]]
T = TypeVar("T")


class Inspector:
    """`checks` has every check that any profile names, by name. `now` gives seconds since the epoch.

    `spool_folder` holds the copies of large objects during an inspection (None: the system's temporary folder), for
    which there is `room` (None: there is no limit).
    """

    def __init__(
        self, checks: Mapping[str, Check], now: Clock, spool_folder: Path | None = None, room: Room | None = None
    ) -> None:
        self._checks = checks
        self._now = now
        self._room = room or Room(sys.maxsize)
        self._spool_folder = spool_folder

    async def inspect(self, subject: Subject, chunks: AsyncIterator[bytes]) -> Verdict:
        """The verdict of all checks of the profile on `subject.size` bytes, and on the members of archives in them.

        Raises Unavailable when an engine does not answer or bytes are missing: then there is no verdict. Raises
        DoesNotFit where its copies need more room than there is.
        """
        async with self._room.share(subject.size if subject.size > IN_MEMORY else 0) as share:
            spool = functools.partial(Spool, self._spool_folder, share=share)
            run_checks = functools.partial(self._run_checks, spool)
            members = Members(subject.profile.limits, run_checks, spool)
            subject = replace(subject, members=members)
            counted = _CountingChunks(chunks)
            async with members.ending:
                reports = await run_checks(subject, counted, subject.profile.checks)
        return self._verdict(subject, reports, members.reports, counted.size)

    async def ready(self) -> None:
        """Raises Unavailable when an engine that some profile needs does not answer."""
        await _run_all(check.ready() for check in self._checks.values())

    async def close(self) -> None:
        """End what the checks have started."""
        for check in self._checks.values():
            await check.close()

    async def _run_checks(
        self, spool: Callable[[], Spool], subject: Subject, chunks: AsyncIterator[bytes], names: Sequence[str]
    ) -> list[Report]:
        """The reports of the checks of these names on one object or member."""
        first = await _first_chunks(chunks)
        subject = replace(subject, head=b"".join(first)[:HEAD])
        checks = [self._checks[name] for name in check_names(names)]
        sinks: list[Sink] = []
        async with AsyncExitStack() as stack:
            if subject.copy is None and any(check.needs_copy(subject) for check in checks):
                copy = stack.enter_context(spool())
                subject = replace(subject, copy=copy)
                sinks.append(copy.write)
            scans = [_SelfClosingScan(check.begin(subject)) for check in checks]
            for scan in scans:
                stack.push_async_callback(scan.close)
                sinks.append(scan.feed)
            return await _scan(subject, _chained(first, chunks), scans, sinks)

    def _verdict(self, subject: Subject, own: list[Report], of_members: list[Report], size: int) -> Verdict:
        reports = [*own, *of_members]
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
            readings=next((report.readings for report in own if report.readings), ()),
            members=member_types(of_members),
            inspected_at=datetime.fromtimestamp(self._now(), UTC),
        )


def check_names(names: Sequence[str]) -> list[str]:
    """The checks to run for those that a profile names: the examiners and `media_type` are one, which always runs."""
    return [*(name for name in names if name not in (*EXAMINERS, MEDIA_TYPE)), CONTENT]


async def _scan(
    subject: Subject, chunks: AsyncIterator[bytes], scans: Sequence[Scan], sinks: Sequence[Sink]
) -> list[Report]:
    """Feed all bytes to `sinks`, and let the scans finish; raises Unavailable where the size is not `subject.size`."""
    may_stop = subject.profile.stop_early and not subject.depth
    size = await _feed_all(sinks, chunks, lambda: may_stop and any(scan.fatal for scan in scans))
    if may_stop and (fatal := [scan for scan in scans if scan.fatal]):
        # The other scans did not see all of it, so their reports would be wrong.
        return await _run_all(scan.finish() for scan in fatal)
    if size != subject.size:
        raise Unavailable("s3", f"it sent {size} bytes of an object of {subject.size} bytes")
    return await _run_all(scan.finish() for scan in scans)


class _SelfClosingScan:
    """A scan that is closed as soon as it has reported.

    A finished scan may hold one of a few connections. An archive's members are scanned while the archive's own scan
    finishes, and would wait for that connection without end.
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
    """The first chunks, HEAD bytes or a little more."""
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
    """The chunks; `size` is the number of bytes that were taken so far."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self.size = 0

    def __aiter__(self) -> "_CountingChunks":
        return self

    async def __anext__(self) -> bytes:
        chunk = await anext(self._chunks)
        self.size += len(chunk)
        return chunk


async def _feed_all(sinks: Sequence[Sink], chunks: AsyncIterator[bytes], enough: Callable[[], bool]) -> int:
    """Give each chunk to all sinks at once, until `enough()` is true; the number of bytes that were given."""
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        await _run_all(sink(chunk) for sink in sinks)
        if enough():
            break
    return size


async def _run_all(steps: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run all at once. When one fails, the others are cancelled and have ended before its error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(step) for step in steps]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
