"""The sandbox: each inspection gets its own children, and they end with it."""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager

from workers.inspection.sandbox.children import FORKS, MEMORY, Children
from workers.inspection.sandbox.frames import ExaminationRequest, Frame
from workers.inspection.sandbox.process import ParserProcess
from workers.inspection.sandbox.server_process import Program
from workers.inspection.spool import Spool

log = logging.getLogger(__name__)

CHILDREN = 2
EXAMINERS_PROGRAM = "workers.inspection.sandbox.child"


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
        program = Program(EXAMINERS_PROGRAM, memory, tuple(modules))
        self._children = Children(program, children, forks=forks, required=required)
        self._slots = asyncio.Semaphore(children)
        self._inspections: dict[object, Processes] = {}

    @property
    def missing(self) -> Sequence[str]:
        """The layers of confinement that the newest child had to do without: see `confinement.Missing`."""
        return self._children.missing

    async def ready(self) -> None:
        """Have a child ready; raises Unavailable("sandbox") where there is none, or where it is not confined enough."""
        await self._children.ready()

    @asynccontextmanager
    async def inspection(self, of: object) -> AsyncIterator["Processes"]:
        """The children for one inspection. Whoever enters with the same `of` meanwhile gets the same children."""
        processes = self._inspections.setdefault(of, Processes(self._children, self._slots))
        processes.users += 1
        try:
            await processes.begin()
            yield processes
        finally:
            processes.users -= 1
            if not processes.users:
                del self._inspections[of]
                await processes.end()

    async def close(self) -> None:
        """End the children that wait at once, and each other one after its examination or a few seconds.

        Further calls do nothing.
        """
        await self._children.close()


class Processes:
    """The children of one inspection. A child is used again for the inspection's other members, and for nothing else.

    There is more than one where archives are nested: an archive's child waits while its members are examined.
    """

    def __init__(self, children: Children, slots: asyncio.Semaphore) -> None:
        self._children = children
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
            process = self._idle.pop() if self._idle else ParserProcess(await self._children.take())
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
