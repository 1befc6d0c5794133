"""The fork server, as the worker sees it."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress

from airlock.errors import Unavailable
from workers.inspection.sandbox.fork_server import LIFELINE_PACKET

END_SECONDS = 5.0


class Lifeline:
    """What ties a child to the worker (`workers.inspection.sandbox.fork_server`)."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    @property
    def alive(self) -> bool:
        """Whether the child lives; to be asked after the first number was taken."""
        try:
            self._line.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:  # `end` was called
            return False
        return False

    async def number(self) -> int:
        """First the process's id, then its exit code; raises EOFError when there is no fork server to tell."""
        packet = await asyncio.get_running_loop().sock_recv(self._line, LIFELINE_PACKET.size)
        if not packet:
            raise EOFError
        return int(LIFELINE_PACKET.unpack(packet)[0])

    async def end(self) -> None:
        """Have the child killed and wait for its end, END_SECONDS at most; may be called again."""
        if self._line.fileno() < 0:
            return
        with self._line, suppress(OSError, EOFError):  # a TimeoutError is an OSError
            self._line.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(END_SECONDS):
                while True:
                    await self.number()


class ForkServerProcess:
    """A running fork server. `forks` counts the children that were asked of it."""

    def __init__(self, process: "subprocess.Popen[bytes]", control: socket.socket) -> None:
        self._process = process
        self._control = control
        self.forks = 0

    @classmethod
    def start(cls, memory: int, modules: Iterable[str]) -> "ForkServerProcess":
        """One that imports `modules` and gives each child `memory` bytes of address space.

        Raises Unavailable("sandbox") when there is no process to be had.
        """
        ours, theirs = _pair()
        try:
            return cls(_run(theirs, [str(memory), *modules]), ours)
        except OSError as error:
            ours.close()
            raise Unavailable("sandbox", f"no process can be started ({type(error).__name__})") from error
        finally:
            theirs.close()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def fork(self) -> tuple[socket.socket, "Lifeline"]:
        """The socket of a child to come, and its lifeline; both end at once when there is none to be had."""
        self.forks += 1
        connection, its_connection = _pair()
        lifeline, its_lifeline = _pair()
        with its_connection, its_lifeline, suppress(OSError):
            socket.send_fds(self._control, [b"f"], [its_connection.fileno(), its_lifeline.fileno()])
        return connection, Lifeline(lifeline)

    def retire(self) -> None:
        """Ask for no more: it ends once its last child has ended."""
        self._control.close()

    async def end(self) -> None:
        """Wait until its last child has ended, for END_SECONDS; then end it, and them with it. May be called again."""
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


def _run(control: socket.socket, arguments: list[str]) -> "subprocess.Popen[bytes]":
    # Not asyncio's way: uvloop copies the worker's page tables for it, and does nothing else for 10 ms and more.
    return subprocess.Popen(  # noqa: S603 # all of it is ours
        [sys.executable, "-B", "-s", "-m", "workers.inspection.sandbox.fork_server", *arguments],
        stdin=control.fileno(),
        # Libraries print what hostile bytes make them print: it is not for the worker's log.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Its children read hostile bytes: no key of ours is within their reach.
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,  # a Ctrl-C in the terminal is the worker's to handle
    )
