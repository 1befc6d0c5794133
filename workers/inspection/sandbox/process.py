"""One child, as the worker sees it."""

import asyncio
import signal
import socket
from collections.abc import AsyncGenerator

from airlock.errors import Unavailable
from workers.inspection.parsers.port import ParserFinding
from workers.inspection.sandbox.frames import LARGEST, Done, Frame, FrameType, InvalidFrame, ParseRequest, decode_frame
from workers.inspection.sandbox.server_process import END_SECONDS, ForkServerProcess, Lifeline

# From a cold disk, with the other core busy, a fork server has loaded everything in a few seconds.
START_SECONDS = 30.0


class ParserProcess:
    """A running child that is asked one thing at a time. `uses` counts what it was asked; `pid` is its process's id."""

    def __init__(self, connection: socket.socket, lifeline: Lifeline) -> None:
        self._connection = connection
        self._lifeline = lifeline
        self.pid = 0
        self.uses = 0

    @classmethod
    async def start(cls, server: ForkServerProcess) -> "ParserProcess":
        """One that has given up its rights and waits; raises Unavailable("sandbox") when there is none to be had."""
        child = cls(*server.fork())
        try:
            async with asyncio.timeout(START_SECONDS):
                child.pid = await child._lifeline.number()
                greeting = await child._packet()
        except (OSError, EOFError):  # a TimeoutError is an OSError
            greeting = b""
        except BaseException:
            await child.end()
            raise
        if greeting[:1] != bytes([FrameType.READY]):
            await child.end()
            raise Unavailable("sandbox", "the process that was started does not answer")
        return child

    @property
    def alive(self) -> bool:
        return self._lifeline.alive

    async def examine(self, request: ParseRequest, reader: int) -> AsyncGenerator[Frame, None]:
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
                yield decode_frame(packet)
        except TimeoutError:
            spent = left
            yield _late(request.seconds)
        except InvalidFrame:
            yield _BROKEN
        except (OSError, EOFError):
            yield await self._crash(request.seconds)
        if packet[:1] == bytes([FrameType.FAILED]):
            raise Unavailable("sandbox", f"the parser {request.parser} cannot be loaded")
        if packet[:1] != bytes([FrameType.DONE]):
            await self.end()
        yield Done(spent)

    async def end(self) -> None:
        """Kill it and wait for its end; may be called again."""
        self._connection.close()
        await self._lifeline.end()

    def _send(self, request: ParseRequest, reader: int) -> None:
        socket.send_fds(self._connection, [request.encode()], [reader])

    async def _packet(self) -> bytes:
        packet = await asyncio.get_running_loop().sock_recv(self._connection, LARGEST + 1)
        if not packet:
            raise EOFError
        return packet

    async def _crash(self, seconds: int) -> ParserFinding:
        """What its end says: the kernel's signal for too much computing, or anything else.

        Raises Unavailable("sandbox") when the fork server has ended, and the child with it.
        """
        try:
            async with asyncio.timeout(END_SECONDS):
                exit_code = await self._lifeline.number()
        except TimeoutError:  # it has closed its socket and lives on
            return _BROKEN
        except (OSError, EOFError) as error:
            raise Unavailable("sandbox", "the process that starts the others has ended") from error
        return _late(seconds) if exit_code == -signal.SIGXCPU else _BROKEN


_BROKEN = ParserFinding("limits_exceeded", "unscannable", "the process that read it broke down")
_ENDS = frozenset(bytes([kind]) for kind in (FrameType.DONE, FrameType.SPENT, FrameType.FAILED))


def _late(seconds: int) -> ParserFinding:
    return ParserFinding("timed_out", "unscannable", f"it was not read to its end within {seconds} s")
