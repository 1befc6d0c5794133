"""The members of one object's archives, at any depth: counted against the profile's limits, and inspected."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from airlock.content.format import OCTET_STREAM
from airlock.limits import DEFAULTS
from airlock.profile import REQUIRED_CHECKS
from workers.inspection.checks.port import Report, Subject
from workers.inspection.parsers.port import LimitExceeded
from workers.inspection.reports import in_member
from workers.inspection.spool import Spool

CHUNK = 256 * 1024
_COMPRESSED_TARS = frozenset({"tgz", "tbz2", "tbz", "txz", "tzst"})

RunChecks = Callable[[Subject, AsyncIterator[bytes], Sequence[str]], Awaitable[list[Report]]]
"""Runs the checks of some names over a subject whose bytes come in chunks."""


class Members:
    """The port `MemberInspector`, for one inspection. `spool` gives an empty copy.

    `reports` has what was found in members; each finding names the member. `seconds` is what is left of the time for
    all parsers. `ending` is closed when the inspection is over.
    """

    def __init__(self, limits: Mapping[str, int], run_checks: RunChecks, spool: Callable[[], Spool]) -> None:
        limits = {**DEFAULTS, **limits}
        self._max_depth = limits["archive_depth"]
        self._max_entries = limits["archive_entries"]
        self._max_bytes = limits["archive_bytes"]
        self._entries = 0
        self._bytes = 0
        self._too_deep = False
        self._run_checks = run_checks
        self._spool = spool
        self.seconds: float = limits["inspect_seconds"]
        self.reports: list[Report] = []
        self.ending = AsyncExitStack()

    def spend(self, *, size: int = 0, seconds: float = 0) -> None:
        self.seconds -= seconds
        self._bytes += size
        if size and self._bytes > self._max_bytes:
            raise LimitExceeded(f"The archives unpack to more than {self._max_bytes} bytes (archive_bytes).")

    def spool(self, parent: Subject) -> Spool:
        # One archive that is too deep makes the object unscannable, so nothing is unpacked after it: zips within zips
        # can hold thousands of archives that are too deep.
        self._too_deep = self._too_deep or parent.depth >= self._max_depth
        if self._too_deep:
            raise LimitExceeded(f"Archives are nested more than {self._max_depth} deep (archive_depth).")
        self._entries += 1
        if self._entries > self._max_entries:
            raise LimitExceeded(f"The archives have more than {self._max_entries} members (archive_entries).")
        return self._spool()

    def at_end(self, end: Callable[[], Awaitable[None]]) -> None:
        self.ending.push_async_callback(end)

    async def inspect(self, parent: Subject, name: str, copy: Spool) -> None:
        name = name or _unpacked_name(parent.name)
        # The uploader declared no size and no type of a member, so there is nothing to compare.
        intent = parent.intent._replace(filename=name, content_type=OCTET_STREAM, size=None, sha256=None)
        path = (*parent.path, name)
        member = replace(parent, intent=intent, size=copy.size, copy=copy, path=path)
        names = [check for check in parent.profile.checks if check not in REQUIRED_CHECKS]
        for report in await self._run_checks(member, copy.chunks(CHUNK), names):
            if report.findings or report.engine or report.missing or report.media_type:
                self.reports.append(in_member(report, path))


def _unpacked_name(packed: str) -> str:
    """The name of what a compressed file unpacks to, where that file does not say it: without the last extension."""
    stem, dot, end = packed.rpartition(".")
    if not dot or not stem:
        return "content"
    return f"{stem}.tar" if end.lower() in _COMPRESSED_TARS else stem
