"""The pool of children, and the one thing that is asked of it."""

import asyncio
import logging
import os
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing

from airlock.errors import Unavailable
from workers.inspection.sandbox.frames import Done, Frame, ParseRequest
from workers.inspection.sandbox.process import ParserProcess
from workers.inspection.sandbox.server_process import ForkServerProcess

log = logging.getLogger(__name__)

CHILDREN = 2
MEMORY = 1024**3
# A library that leaks does not do so for long.
REQUESTS = 500
# Children of one server have one layout of memory: what one that was taken over learns of it is soon of no use.
FORKS = 100
SECONDS = 30


class Sandbox:
    """`children` that parse at once, for each depth of archives within archives, and as many that wait for more.

    (A parser of an archive waits while its members are parsed: were they to share, two archives could wait for each
    other.) Each has `memory` bytes of address space and is replaced after `requests`. They are forked from a process
    that has imported `modules`, and that is replaced after `forks`.
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
        """Have the process there from which children are forked; raises Unavailable("sandbox") when it is not."""
        self._server()

    async def examine(
        self, parser: str, fd: int, size: int, limits: Mapping[str, int], *, depth: int = 0
    ) -> AsyncGenerator[Frame, None]:
        """What the parser in the module of that name says of the `size` bytes of `fd`; the last frame is Done.

        `limits` are the parser's; `parse_seconds` among them bounds how long the child is waited for and how long it
        computes, not how long the caller takes over a frame. An overrun or a crash is a finding, unscannable.
        Raises Unavailable("sandbox") when there is no child to be had. To be closed when it is left before its end.
        """
        request = ParseRequest(parser, size, limits.get("parse_seconds", SECONDS), limits)
        # A position of its own, and no right to write.
        try:
            reader = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise Unavailable("sandbox", "the copy cannot be opened") from error
        try:
            async with self._slots[depth]:
                child = await self._take()
                done = False
                try:
                    async with aclosing(child.examine(request, reader)) as frames:
                        async for each in frames:
                            done = isinstance(each, Done)
                            if done:
                                await self._give_back(child)
                            yield each
                finally:
                    if not done:
                        await child.end()
        finally:
            os.close(reader)

    async def close(self) -> None:
        """End all children that wait, and each other one once it has answered or some seconds are over.

        May be called again.
        """
        self._closed = True
        idle, self._idle = self._idle, []
        servers, self._servers = self._servers, []
        for child in idle:
            await child.end()
        for server in servers:
            await server.end()

    async def _take(self) -> ParserProcess:
        while self._idle:
            child = self._idle.pop()
            if child.alive:
                return child
            await child.end()
        return await ParserProcess.start(self._server())

    def _server(self) -> ForkServerProcess:
        """The last of them, or a new one; those before it end with their children."""
        for last in self._servers[-1:]:
            if last.alive and last.forks < self._forks:
                return last
        server = ForkServerProcess.start(self._memory, self._modules)
        for each in self._servers:
            each.retire()
        self._servers = [*(each for each in self._servers if each.alive), server]
        return server

    async def _give_back(self, child: ParserProcess) -> None:
        if not child.alive:
            log.warning("a parser's process broke down, overran, or gave up", extra={"pid": child.pid})
        if child.alive and child.uses < self._requests and len(self._idle) < self._children and not self._closed:
            self._idle.append(child)
        else:
            await child.end()
