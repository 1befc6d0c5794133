"""The fork server's process and the lifelines of its children, as the worker uses them (see `fork_server`)."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from airlock.errors import Unavailable
from workers.inspection.sandbox.fork_server import LIFELINE_NUMBER

END_SECONDS = 5.0
FORK_SERVER = "workers.inspection.sandbox.fork_server"


class Lifeline:
    """The worker's end of the socket that ties one child to it."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    @property
    def alive(self) -> bool:
        """Whether the child runs. Only valid after the process id was read."""
        try:
            self._line.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:  # `end` was called
            return False
        return False

    async def number(self) -> int:
        """The process id first, then the exit code; raises EOFError when the fork server has ended."""
        packet = await asyncio.get_running_loop().sock_recv(self._line, LIFELINE_NUMBER.size)
        if not packet:
            raise EOFError
        return int(LIFELINE_NUMBER.unpack(packet)[0])

    async def end(self) -> None:
        """Have the child killed and wait for its end, for END_SECONDS at most. Further calls do nothing."""
        if self._line.fileno() < 0:
            return
        with self._line, suppress(OSError, EOFError):  # a TimeoutError is an OSError
            self._line.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(END_SECONDS):
                while True:
                    await self.number()


class Program(NamedTuple):
    """What the children of a fork server run.

    `module` has two functions: `prepare`, which the fork server calls once with `arguments`, and `serve`, which each
    child calls. `memory` limits a child's address space, in bytes. The fork server gets `descriptors` under the numbers
    that they have here.
    """

    module: str
    memory: int
    arguments: Sequence[str] = ()
    descriptors: Sequence[int] = ()


class ForkServerProcess:
    """A running fork server. `forks` counts the children that were requested."""

    def __init__(self, process: "subprocess.Popen[bytes]", control: socket.socket) -> None:
        self._process = process
        self._control = control
        self.forks = 0

    @classmethod
    def start(cls, program: Program) -> "ForkServerProcess":
        """Start one; raises Unavailable("sandbox") when the process cannot be started."""
        ours, theirs = _pair()
        try:
            return cls(_run(theirs, program), ours)
        except OSError as error:
            ours.close()
            raise Unavailable("sandbox", f"the fork server cannot be started ({type(error).__name__})") from error
        finally:
            theirs.close()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def fork(self) -> tuple[socket.socket, "Lifeline"]:
        """Request a child: its socket and its lifeline. Both are closed at once when it cannot be forked."""
        self.forks += 1
        connection, its_connection = _pair()
        lifeline, its_lifeline = _pair()
        with its_connection, its_lifeline, suppress(OSError):
            socket.send_fds(self._control, [b"f"], [its_connection.fileno(), its_lifeline.fileno()])
        return connection, Lifeline(lifeline)

    def retire(self) -> None:
        """Request no more children. The server ends after its last child."""
        self._control.close()

    async def end(self) -> None:
        """Wait for the end of its last child, for END_SECONDS at most, then kill the server and with it the children.

        Further calls do nothing.
        """
        self.retire()
        try:
            await asyncio.to_thread(self._process.wait, END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    return ours, theirs


def import_folders() -> Sequence[str]:
    """Where modules are. The working directory is not among them, unless our own are there: it may be a home folder."""
    ours = str(Path(__file__).parents[3])
    return [ours, *(each for each in sys.path if each not in ("", ours, str(Path.cwd())))]


def _run(control: socket.socket, program: Program) -> "subprocess.Popen[bytes]":
    # Not asyncio's subprocess: uvloop forks for it, which copies the worker's page tables and blocks for 10 ms or more.
    return subprocess.Popen(  # noqa: S603 # all of it is ours
        [sys.executable, "-B", "-P", "-s", "-m", FORK_SERVER, str(program.memory), program.module, *program.arguments],
        pass_fds=program.descriptors,
        stdin=control.fileno(),
        # Libraries print text out of hostile bytes, which does not belong into the worker's log.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Its children read hostile bytes, so they inherit none of our keys.
        env={"PYTHONPATH": os.pathsep.join(import_folders())},
        cwd="/",
        start_new_session=True,  # a Ctrl-C in the terminal is the worker's to handle
    )
