"""Children of a fork server: some are forked ahead of need, and each is used for one inspection."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence

from airlock.errors import Unavailable
from workers.inspection.sandbox.process import Child
from workers.inspection.sandbox.server_process import ForkServerProcess, Program

log = logging.getLogger(__name__)

MEMORY = 1024**3
# Children of one fork server share a memory layout. What an attacker learns of it in one is useless after so many.
FORKS = 500
# So many forks before its end the next fork server is started. It loads all modules in about a second.
AHEAD = 100


class Children:
    """`ahead` children wait for the next inspections. Their fork server is replaced after `forks`.

    Where `required`, no child without a filter of system calls is used.
    """

    def __init__(self, program: Program, ahead: int, *, forks: int = FORKS, required: bool = True) -> None:
        self._program = program
        self._ahead = ahead
        self._forks = forks
        self._required = required
        self._waiting: deque[Child] = deque()
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

    async def take(self) -> Child:
        """A child that has read nothing yet. The caller ends it. Raises Unavailable("sandbox")."""
        while self._waiting:
            child = self._waiting.popleft()
            if child.alive:
                self._fill()
                return child
            await child.end()
        child = await self._start()
        self._fill()
        return child

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
        if self._next is not None:
            self._servers.append(self._next)
            self._next = None
        while self._servers:
            await self._servers[-1].end()
            self._servers.pop()

    async def _start(self) -> Child:
        child = await Child.start(self._server(), required=self._required)
        self.missing = child.missing
        return child

    def _fill(self) -> None:
        if not self._closed and (self._filling is None or self._filling.done()):
            self._filling = asyncio.create_task(self._fork_ahead())

    async def _fork_ahead(self) -> None:
        try:
            while len(self._waiting) < self._ahead:
                self._waiting.append(await self._start())
        except Unavailable as problem:  # who needs a child tries again, and is told
            log.warning("no child could be forked ahead: %s", problem)

    def _server(self) -> ForkServerProcess:
        """The newest fork server. Those before it end after their last child."""
        if not (self._servers and self._servers[-1].alive and self._servers[-1].forks < self._forks):
            self._replace_server()
        newest = self._servers[-1]
        if self._next is None and newest.forks >= self._forks - AHEAD:
            self._next = ForkServerProcess.start(self._program)
        return newest

    def _replace_server(self) -> None:
        successor, self._next = self._next, None
        if successor is None or not successor.alive:
            successor = ForkServerProcess.start(self._program)
        for each in self._servers:
            each.retire()
        self._servers = [*(each for each in self._servers if each.alive), successor]
