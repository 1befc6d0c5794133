"""Checks that a test controls."""

import asyncio

from airlock.errors import Unavailable
from workers.inspection.checks.port import BaseCheck, BaseScan, Check, Report, Scan, Subject


class HeldCheck(BaseCheck, BaseScan):
    """Works as `check`, but waits with the first bytes until `open` is set.

    `reached` is set when one inspection waits; `inspections` counts all.
    """

    def __init__(self, check: Check) -> None:
        self.name = check.name
        self.reached = asyncio.Event()
        self.open = asyncio.Event()
        self.inspections = 0
        self._check = check
        # Of the check `content`, which the worker asks for it.
        self.sandbox = getattr(check, "sandbox", None)

    def needs_copy(self, subject: Subject) -> bool:
        return self._check.needs_copy(subject)

    def begin(self, subject: Subject) -> Scan:
        self.inspections += 1
        return _HeldScan(self, self._check.begin(subject))

    async def close(self) -> None:
        await self._check.close()


class _HeldScan:
    def __init__(self, held: HeldCheck, scan: Scan) -> None:
        self._held = held
        self._scan = scan

    @property
    def fatal(self) -> bool:
        return self._scan.fatal

    async def feed(self, chunk: bytes) -> None:
        self._held.reached.set()
        await self._held.open.wait()
        await self._scan.feed(chunk)

    async def finish(self) -> Report:
        return await self._scan.finish()

    async def close(self) -> None:
        await self._scan.close()


class FailingCheck(BaseCheck, BaseScan):
    """Works as `check`, under a name of its own if given, but fails while `unavailable`. It is always ready."""

    def __init__(self, check: Check, name: str | None = None) -> None:
        self.name = name or check.name
        self.unavailable = True
        self._check = check
        # Of the check `content`, which the worker asks for it.
        self.sandbox = getattr(check, "sandbox", None)

    def needs_copy(self, subject: Subject) -> bool:
        return self._check.needs_copy(subject)

    def begin(self, subject: Subject) -> Scan:
        if self.unavailable:
            raise Unavailable(self.name, "cannot be reached")
        return self._check.begin(subject)

    async def close(self) -> None:
        await self._check.close()
