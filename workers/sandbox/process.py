"""One child, as the worker sees it."""

import array
import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator

from airlock.errors import Unavailable
from workers.parsers.port import Found
from workers.sandbox.frames import LARGEST, Done, Frame, Kind, Nonsense, Request, frame

# From a cold disk, with the other core busy, a child is there in about a second.
START_SECONDS = 30.0
END_SECONDS = 5.0


class Child:
    """A running child that is asked one thing at a time. `uses` counts what it was asked."""

    def __init__(self, process: "subprocess.Popen[bytes]", connection: socket.socket) -> None:
        self._process = process
        self._connection = connection
        self.uses = 0

    @classmethod
    async def start(cls, memory: int) -> "Child":
        """One that has given up its rights and waits; raises Unavailable("sandbox") when there is none to be had."""
        try:
            child = _spawn(memory)
        except OSError as error:
            raise Unavailable("sandbox", f"no process can be started ({type(error).__name__})") from error
        try:
            async with asyncio.timeout(START_SECONDS):
                greeting = await child._packet()  # noqa: SLF001 # its own
        except (OSError, EOFError):  # a TimeoutError is an OSError
            greeting = b""
        except BaseException:
            await child.end()
            raise
        if greeting[:1] != bytes([Kind.READY]):
            await child.end()
            raise Unavailable("sandbox", "the process that was started does not answer")
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    async def examine(self, request: Request, reader: int) -> AsyncGenerator[Frame, None]:
        """The child's frames, and as the last one Done, only after which it may be asked again.

        An overrun is a finding too. Raises Unavailable("sandbox") when the parser is not installed.
        """
        self.uses += 1
        left = float(request.seconds)
        clock = asyncio.get_running_loop().time
        spent = 0.0
        packet = b""
        try:
            self._send(request, reader)
            while True:
                since = clock()
                async with asyncio.timeout(left - spent):
                    packet = await self._packet()
                spent += clock() - since
                if packet[:1] in _ENDS:
                    break
                yield frame(packet)
        except TimeoutError:
            spent = left
            yield _late(request.seconds)
        except Nonsense:
            yield _BROKEN
        except (OSError, EOFError):
            yield await self._crash(request.seconds)
        if packet[:1] == bytes([Kind.FAILED]):
            raise Unavailable("sandbox", f"the parser {request.parser} cannot be loaded")
        if packet[:1] != bytes([Kind.DONE]):
            await self.end()
        yield Done(spent)

    async def end(self) -> None:
        """Kill it and wait for its end; may be called again."""
        self._connection.close()
        self._process.kill()
        await self._exit_code()

    def _send(self, request: Request, reader: int) -> None:
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [reader]))
        self._connection.sendmsg([request.encode()], [rights])

    async def _packet(self) -> bytes:
        packet = await asyncio.get_running_loop().sock_recv(self._connection, LARGEST + 1)
        if not packet:
            raise EOFError
        return packet

    async def _crash(self, seconds: int) -> Found:
        """What its end says: the kernel's signal for too much computing, or anything else."""
        return _late(seconds) if await self._exit_code() == -signal.SIGXCPU else _BROKEN

    async def _exit_code(self) -> int | None:
        """How it ended; None when it does not end."""
        if (code := self._process.poll()) is not None:
            return code
        try:
            return await asyncio.to_thread(self._process.wait, END_SECONDS)
        except subprocess.TimeoutExpired:
            return None


_BROKEN = Found("limits_exceeded", "unscannable", "the process that read it broke down")
_ENDS = frozenset(bytes([kind]) for kind in (Kind.DONE, Kind.SPENT, Kind.FAILED))


def _late(seconds: int) -> Found:
    return Found("timed_out", "unscannable", f"it was not read to its end within {seconds} s")


def _spawn(memory: int) -> Child:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        ours.setblocking(False)
        # Not asyncio's way: uvloop copies the worker's page tables for it, and does nothing else for 10 ms and more.
        process = subprocess.Popen(  # noqa: S603 # all of it is ours
            [sys.executable, "-B", "-s", "-m", "workers.sandbox.child", str(memory)],
            stdin=theirs.fileno(),
            # Libraries print what hostile bytes make them print: it is not for the worker's log.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # It reads hostile bytes: no key of ours is within its reach.
            env={"PYTHONPATH": os.pathsep.join(sys.path)},
            start_new_session=True,  # a Ctrl-C in the terminal is the worker's to handle
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return Child(process, ours)
