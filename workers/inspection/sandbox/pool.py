"""The pool of children: each inspection gets its own, and they end with it."""

import asyncio
import logging
import os
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager

from airlock.errors import Unavailable
from workers.inspection.sandbox.frames import ExaminationRequest, Frame
from workers.inspection.sandbox.process import ParserProcess
from workers.inspection.sandbox.server_process import ForkServerProcess
from workers.inspection.spool import Spool

log = logging.getLogger(__name__)

CHILDREN = 2
MEMORY = 1024**3
# Children of one fork server share a memory layout. What an attacker learns of it in one is useless after so many.
FORKS = 500
# So many forks before its end the next fork server is started. It loads all modules in about a second.
AHEAD = 100


class Sandbox:
    """At most `children` inspections parse at once, and as many children are forked ahead of need.

    A child serves one inspection: an object and its members. Each has `memory` bytes of address space. They are forked
    from a process that has imported `modules`, and that is replaced after `forks`. Where `required`, no child without a
    filter of system calls is used.
    """

    def __init__(
        self,
        modules: Iterable[str] = (),
        *,
        children: int = CHILDREN,
        memory: int = MEMORY,
        forks: int = FORKS,
        required: bool = True,
    ) -> None:
        self._modules = tuple(modules)
        self._children = children
        self._memory = memory
        self._forks = forks
        self._required = required
        self._slots = asyncio.Semaphore(children)
        self._inspections: dict[object, Processes] = {}
        self._waiting: deque[ParserProcess] = deque()
        self._filling: asyncio.Task[None] | None = None
        self._servers: list[ForkServerProcess] = []
        self._next: ForkServerProcess | None = None
        self._closed = False
        self.missing: Sequence[str] = ()
        """The layers of confinement that the newest child had to do without: see `confinement.Missing`."""

    async def ready(self) -> None:
        """Have a child ready; raises Unavailable("sandbox") where there is none, or where it is not confined enough."""
        if not any(each.alive for each in self._waiting):
            self._waiting.append(await self._start())

    @asynccontextmanager
    async def inspection(self, of: object) -> AsyncIterator["Processes"]:
        """The children for one inspection. Whoever enters with the same `of` meanwhile gets the same children."""
        processes = self._inspections.setdefault(of, Processes(self, self._slots))
        processes.users += 1
        try:
            await processes.begin()
            yield processes
        finally:
            processes.users -= 1
            if not processes.users:
                del self._inspections[of]
                await processes.end()

    async def take(self) -> ParserProcess:
        """A child that has read nothing yet. The caller ends it. Raises Unavailable("sandbox")."""
        while self._waiting:
            process = self._waiting.popleft()
            if process.alive:
                self._fill()
                return process
            await process.end()
        process = await self._start()
        self._fill()
        return process

    async def close(self) -> None:
        """End the children that wait at once, and each other one after its examination or a few seconds.

        Further calls do nothing.
        """
        self._closed = True
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.gather(self._filling, return_exceptions=True)
        while self._waiting:
            await self._waiting.pop().end()
        servers, self._servers, self._next = [*self._servers, self._next], [], None
        for server in servers:
            if server is not None:
                await server.end()

    async def _start(self) -> ParserProcess:
        process = await ParserProcess.start(self._server(), required=self._required)
        self.missing = process.missing
        return process

    def _fill(self) -> None:
        if not self._closed and (self._filling is None or self._filling.done()):
            self._filling = asyncio.create_task(self._fork_ahead())

    async def _fork_ahead(self) -> None:
        try:
            while len(self._waiting) < self._children:
                self._waiting.append(await self._start())
        except Unavailable as problem:  # who needs a child tries again, and is told
            log.warning("no child could be forked ahead: %s", problem)

    def _server(self) -> ForkServerProcess:
        """The newest fork server. Those before it end after their last child."""
        if not (self._servers and self._servers[-1].alive and self._servers[-1].forks < self._forks):
            self._replace_server()
        newest = self._servers[-1]
        if self._next is None and newest.forks >= self._forks - AHEAD:
            self._next = ForkServerProcess.start(self._memory, self._modules)
        return newest

    def _replace_server(self) -> None:
        successor, self._next = self._next, None
        if successor is None or not successor.alive:
            successor = ForkServerProcess.start(self._memory, self._modules)
        for each in self._servers:
            each.retire()
        self._servers = [*(each for each in self._servers if each.alive), successor]


class Processes:
    """The children of one inspection. A child is used again for the inspection's other members, and for nothing else.

    There is more than one where archives are nested: an archive's child waits while its members are examined.
    """

    def __init__(self, sandbox: Sandbox, slots: asyncio.Semaphore) -> None:
        self._sandbox = sandbox
        self._slots = slots
        self._beginning = asyncio.Lock()
        self._begun = False
        self._idle: list[ParserProcess] = []
        self.users = 0

    async def begin(self) -> None:
        """Wait until the sandbox has room for this inspection. Further calls do nothing."""
        async with self._beginning:
            if not self._begun:
                await self._slots.acquire()
                self._begun = True

    async def examine(self, copy: Spool, request: ExaminationRequest) -> AsyncGenerator[Frame, None]:
        """The frames of one examination of `copy`; the last is ExaminationEnd.

        `request.seconds` limits the CPU time, and the time that the worker waits for frames (not the time that the
        caller takes between them). A timeout and a crash are findings. Raises Unavailable("sandbox") when there is no
        child, or when the examiners lack something that is not the object's to have, and Unavailable("spool"). Close
        the generator where it is not read to its end.
        """
        with _reading(copy) as reader:
            process = self._idle.pop() if self._idle else await self._sandbox.take()
            try:
                async with aclosing(process.examine(request, reader)) as frames:
                    async for frame in frames:
                        yield frame
            finally:
                await self._put_back(process)

    async def end(self) -> None:
        """End the children, and make room for another inspection."""
        try:
            while self._idle:
                await self._idle.pop().end()
        finally:
            if self._begun:
                self._slots.release()

    async def _put_back(self, process: ParserProcess) -> None:
        if process.alive and not process.busy:
            self._idle.append(process)
            return
        if not process.alive:
            log.warning("a parser's process ended: it crashed, timed out or gave up", extra={"pid": process.pid})
        await process.end()


@contextmanager
def _reading(copy: Spool) -> Iterator[int]:
    """A reader of the copy, which nobody can change any more: other checks read it too."""
    reader = copy.reader()
    try:
        yield reader
    finally:
        os.close(reader)
