"""The children that scan with one set of rules (`child`), as the worker uses them.

YARA-X holds the interpreter's lock while it scans (in 1.23, another thread waited for all of a one-second scan), so a
long scan in a thread would stop heartbeats and everything else. And it reads hostile bytes: so each inspection has a
child of its own, which is confined as those of the examiners are.
"""

import asyncio
import io
import json
import os
from collections.abc import Sequence
from typing import NoReturn

import yara_x

from airlock.errors import Unavailable
from workers.inspection.sandbox.children import Children
from workers.inspection.sandbox.frames import printable
from workers.inspection.sandbox.process import Child
from workers.inspection.sandbox.server_process import Program
from workers.inspection.yara.rule_set import OUTCOMES, Match, RuleSet

PROGRAM = "workers.inspection.yara.child"
# YARA-X reserves address space for its compiled rules, and thousands of rules need some of it.
MEMORY = 4 * 1024**3
# On top of the engine's own limit, which it tests only between two steps of a scan.
GRACE = 5.0
# A child that was taken over cannot fill the worker's memory with matches.
MATCHES = 10_000


class RuleServer:
    """Forks the children that scan with one set of rules, for as many inspections as `users` counts.

    `seconds` limits a scan. At most `scans` run at once, and as many children wait for the next inspections.
    """

    def __init__(self, rule_set: RuleSet, seconds: int, scans: int, *, required: bool) -> None:
        self.engine = rule_set.engine
        self.users = 0
        self.seconds = seconds
        self.slots = asyncio.Semaphore(scans)
        self._rules = _in_memory(rule_set.rules)
        program = Program(PROGRAM, MEMORY, (str(self._rules), str(seconds)), (self._rules,))
        self._children = Children(program, scans, required=required)

    @property
    def missing(self) -> Sequence[str]:
        """The layers of confinement that the newest child had to do without."""
        return self._children.missing

    async def ready(self) -> None:
        """Have a child ready; raises Unavailable("sandbox")."""
        await self._children.ready()

    async def take(self) -> Child:
        """A child that has scanned nothing yet. The caller ends it. Raises Unavailable("sandbox")."""
        return await self._children.take()

    async def close(self) -> None:
        """End the children that wait, and the fork server. Further calls do nothing."""
        await self._children.close()
        descriptor, self._rules = self._rules, -1
        if descriptor >= 0:
            os.close(descriptor)


class YaraProcess:
    """The child of one inspection, taken by its first scan, and again by the first scan after it ended."""

    def __init__(self, server: RuleServer) -> None:
        self.server = server
        self._turn = asyncio.Lock()
        self._child: Child | None = None

    async def scan(self, window: bytes) -> list[Match] | None:
        """The rules that match `window`, or None after a timeout. Raises Unavailable where the child ended."""
        async with self._turn, self.server.slots:
            child = self._child = self._child or await self.server.take()
            try:
                async with asyncio.timeout(self.server.seconds + GRACE):
                    return await _exchange(child, window)
            except TimeoutError:
                await self.end()
                return None
            except (OSError, EOFError) as error:
                await self._raise_end(child, error)
            except ValueError as error:
                await self.end()
                raise Unavailable("yara", "the scanning process gave no valid answer") from error
            except BaseException:
                # The rest of this answer would be read as the answer to the next window.
                await self.end()
                raise

    async def end(self) -> None:
        """End the child, if there is one."""
        child, self._child = self._child, None
        if child is not None:
            await child.end()

    async def _raise_end(self, child: Child, error: Exception) -> NoReturn:
        try:
            await child.exit_code()
            raise Unavailable("yara", "the scanning process ended") from error
        finally:
            await self.end()


async def _exchange(child: Child, window: bytes) -> list[Match] | None:
    descriptor = _in_memory_of(window)
    try:
        child.send(b"w", descriptor)
    finally:
        os.close(descriptor)
    found: set[Match] = set()
    while len(found) < MATCHES:
        match json.loads(await child.packet()):
            case True:
                return list(found)
            case None:
                return None
            case [str(rule), str(outcome)] if outcome in OUTCOMES:
                found.add(Match(printable(rule), OUTCOMES[outcome]))
            case _:
                break
    raise ValueError("an answer that no process of ours gives")


def _in_memory(rules: yara_x.Rules) -> int:
    """A descriptor of the rules, as `yara_x` serializes them."""
    serialized = io.BytesIO()
    rules.serialize_into(serialized)
    return _in_memory_of(serialized.getvalue())


def _in_memory_of(data: bytes) -> int:
    """A descriptor of bytes, at their start. The caller closes it."""
    descriptor = os.memfd_create("yara", os.MFD_CLOEXEC)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.lseek(descriptor, 0, os.SEEK_SET)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
