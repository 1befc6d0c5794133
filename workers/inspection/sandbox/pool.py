"""The pool of parsers' processes."""

import asyncio
import logging
import os
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager

from workers.inspection.sandbox.frames import ExaminationRequest, Frame
from workers.inspection.sandbox.process import ParserProcess
from workers.inspection.sandbox.server_process import ForkServerProcess
from workers.inspection.spool import Spool

log = logging.getLogger(__name__)

CHILDREN = 2
MEMORY = 1024**3
# A process is replaced after so many examinations, so that a library that leaks memory does not do so for long.
REQUESTS = 500
# Processes of one fork server share a memory layout. What an attacker learns of it in one is useless after so many.
FORKS = 100


class Sandbox:
    """At most `children` processes parse at once for each depth of nested archives, and as many stay idle.

    Each depth has its own: an archive's process waits while its members are parsed, so if they shared, two archives
    could wait for each other without end. Each process has `memory` bytes of address space and is replaced after
    `requests` examinations. They are forked from a process that has imported `modules`, and that is replaced after
    `forks`.
    """

    def __init__(
        self,
        modules: Iterable[str] = (),
        *,
        children: int = CHILDREN,
        memory: int = MEMORY,
        requests: int = REQUESTS,
        forks: int = FORKS,
    ) -> None:
        self._modules = tuple(modules)
        self._children = children
        self._memory = memory
        self._requests = requests
        self._forks = forks
        self._slots = defaultdict[int, asyncio.Semaphore](lambda: asyncio.Semaphore(children))
        self._idle: list[ParserProcess] = []
        self._servers: list[ForkServerProcess] = []
        self._closed = False

    def ready(self) -> None:
        """Start the fork server if none runs; raises Unavailable("sandbox") if that fails."""
        self._server()

    async def examine(self, copy: Spool, request: ExaminationRequest, *, depth: int = 0) -> AsyncGenerator[Frame, None]:
        """The frames of one examination of `copy`; the last is ExaminationEnd.

        `request.seconds` limits the CPU time, and the time that the worker waits for frames (not the time that the
        caller takes between them). A timeout and a crash are findings. Raises Unavailable("sandbox") when there is no
        process, or when the examiners lack something that is not the object's to have, and Unavailable("spool"). Close
        the generator where it is not read to its end.
        """
        with _reading(copy) as reader:
            async with (
                self._slots[depth],
                self._acquired() as process,
                aclosing(process.examine(request, reader)) as frames,
            ):
                async for frame in frames:
                    yield frame

    async def close(self) -> None:
        """End the idle processes at once, and each other one after its examination or a few seconds.

        Further calls do nothing.
        """
        self._closed = True
        idle, self._idle = self._idle, []
        servers, self._servers = self._servers, []
        for process in idle:
            await process.end()
        for server in servers:
            await server.end()

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[ParserProcess]:
        """An idle process or a new one; afterwards it is kept where it can be used again, or ended."""
        process = await self._idle_process() or await ParserProcess.start(self._server())
        try:
            yield process
        finally:
            if not process.alive:
                log.warning("a parser's process ended: it crashed, timed out or gave up", extra={"pid": process.pid})
            if self._reusable(process):
                self._idle.append(process)
            else:
                await process.end()

    async def _idle_process(self) -> ParserProcess | None:
        while self._idle:
            process = self._idle.pop()
            if process.alive:
                return process
            await process.end()
        return None

    def _reusable(self, process: ParserProcess) -> bool:
        if self._closed or process.busy or not process.alive:
            return False
        return process.uses < self._requests and len(self._idle) < self._children

    def _server(self) -> ForkServerProcess:
        """The newest fork server, or a new one. Those before it end after their last child."""
        for last in self._servers[-1:]:
            if last.alive and last.forks < self._forks:
                return last
        server = ForkServerProcess.start(self._memory, self._modules)
        for each in self._servers:
            each.retire()
        self._servers = [*(each for each in self._servers if each.alive), server]
        return server


@contextmanager
def _reading(copy: Spool) -> Iterator[int]:
    """A reader of the copy, which nobody can change any more: other checks read it too."""
    reader = copy.reader()
    try:
        yield reader
    finally:
        os.close(reader)
