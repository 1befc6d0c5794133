"""One parser's process, as the worker uses it: it is given an object, then its members, and answers with frames.

How it works:

    worker                         fork server           the parser's process
      |--- two sockets -------------->|--- fork ------------>|
      |<-- process id (lifeline) -----|                      |  gives up its rights
      |<------------------------------------------- READY ---|
      |--- request, descriptor of the copy ----------------->|
      |<-- READING ------------------------------------------|  each reading that identification found
      |<-- FINDING, EXAMINED, MEMBER_START, _DATA, _END -----|  any number, in order
      |<-------------------------- DONE, SPENT or FAILED ----|  then the next request, after DONE

Nothing that the process sends is trusted, and every way in which an examination can end is one of these:

    DONE                             the process is used again, for a member of the same object
    SPENT                            the parser gave up and said why; the process is killed
    FAILED                           Unavailable: the environment lacks something, such as a library
    no frame in time                 finding `timed_out`; the process is killed
    the kernel ends it by SIGXCPU    finding `timed_out`: it used more CPU time than it may
    the kernel ends it by SIGSYS     Unavailable: it made a system call that no examiner makes
    it ends in another way           finding `limits_exceeded`: it crashed
    an invalid frame                 the same; the process is killed
    the fork server ends             Unavailable: its children end with it

Two clocks run against `parse_seconds`. The kernel counts CPU time. The worker counts the time that it waits for frames,
but not the time between two frames: an archive's process may wait long while its members are inspected.
"""

import asyncio
import json
import logging
import signal
import socket
from collections.abc import AsyncGenerator, Coroutine, Sequence
from typing import Any

from airlock.errors import Unavailable
from workers.inspection.readings import ExaminerFinding
from workers.inspection.sandbox.frames import (
    LARGEST,
    ExaminationEnd,
    ExaminationRequest,
    FoundBy,
    Frame,
    FrameType,
    InvalidFrame,
    decode_frame,
    printable,
)
from workers.inspection.sandbox.server_process import END_SECONDS, ForkServerProcess, Lifeline

log = logging.getLogger(__name__)

# From a cold disk, with the other core busy, a fork server has loaded all modules in a few seconds.
START_SECONDS = 30.0
CRASHED = "The examination crashed."

_NO_FILTER = (
    "the kernel or the container refuses a filter of system calls, or libseccomp2 is not installed; "
    "AIRLOCK_SANDBOX=available goes without"
)

_CRASH = FoundBy("", ExaminerFinding("limits_exceeded", CRASHED))
_READY, _DONE, _SPENT, _FAILED = (
    bytes([each]) for each in (FrameType.READY, FrameType.DONE, FrameType.SPENT, FrameType.FAILED)
)


class Child:
    """A running process that has given up its rights.

    `pid` is its process id, `missing` are the layers of its confinement that are not to be had here.
    """

    def __init__(self, connection: socket.socket, lifeline: Lifeline) -> None:
        self._connection = connection
        self._lifeline = lifeline
        self.pid = 0
        self.missing: Sequence[str] = ()

    @classmethod
    async def start(cls, server: ForkServerProcess, *, required: bool) -> "Child":
        """Fork one and wait until it is ready; raises Unavailable("sandbox") when there is none.

        Where `required`, also when it has no filter of system calls.
        """
        child = cls(*server.fork())
        try:
            async with asyncio.timeout(START_SECONDS):
                child.pid = await child._lifeline.number()
                first = await child.packet()
        except (OSError, EOFError):  # a TimeoutError is an OSError
            first = b""
        except BaseException:
            await child.end()
            raise
        if first[:1] != _READY:
            await child.end()
            raise Unavailable("sandbox", "a child does not answer after its start")
        child.missing = json.loads(first[1:])
        if required and "seccomp" in child.missing:
            await child.end()
            raise Unavailable("sandbox", _NO_FILTER)
        return child

    @property
    def alive(self) -> bool:
        return self._lifeline.alive

    def send(self, packet: bytes, descriptor: int) -> None:
        """Send a packet with a descriptor of what to read; raises OSError where the child has ended."""
        socket.send_fds(self._connection, [packet], [descriptor])

    async def packet(self) -> bytes:
        """The next packet; raises EOFError or OSError where the child has ended."""
        packet = await asyncio.get_running_loop().sock_recv(self._connection, LARGEST + 1)
        if not packet:
            raise EOFError
        return packet

    async def exit_code(self) -> int | None:
        """How a child ended whose connection has ended: negative for a signal; None where it runs on.

        Raises Unavailable("sandbox") when the fork server has ended, and the child with it, or when the filter of
        system calls has ended the child.
        """
        try:
            async with asyncio.timeout(END_SECONDS):
                code = await self._lifeline.number()
        except TimeoutError:
            return None
        except (OSError, EOFError) as error:
            raise Unavailable("sandbox", "the fork server has ended") from error
        if code == -signal.SIGSYS:
            log.error("a child made a system call that is on no list", extra={"pid": self.pid})
            raise Unavailable("sandbox", "the filter of system calls ended a child")
        return code

    async def end(self) -> None:
        """Kill the process and wait for its end. Further calls do nothing."""
        self._connection.close()
        await self._lifeline.end()


class ParserProcess:
    """A child that examines one object or member at a time.

    `busy` says that an examination has begun and has not ended by DONE.
    """

    def __init__(self, child: Child) -> None:
        self._child = child
        self.busy = False

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def alive(self) -> bool:
        return self._child.alive

    async def examine(self, request: ExaminationRequest, reader: int) -> AsyncGenerator[Frame, None]:
        """The frames of one examination; the last is ExaminationEnd, and only then may the next examination begin.

        `reader` is a descriptor of the object's copy, at its start. Raises Unavailable("sandbox") as described above.
        """
        self.busy = True
        waiting = _Stopwatch(request.seconds)
        last, cause = b"", b""
        try:
            self._child.send(request.encode(), reader)
            while (packet := await waiting.timed(self._child.packet()))[:1] not in (_DONE, _SPENT, _FAILED):
                yield decode_frame(packet)
            last, cause = packet[:1], packet[1:]
        except TimeoutError:
            yield _timed_out(request.seconds)
        except InvalidFrame:
            yield _CRASH
        except (OSError, EOFError):
            yield await self._cause_of_end(request.seconds)
        if last == _FAILED:
            await self.end()
            reason = printable(cause.decode("utf-8", "replace"))
            raise Unavailable("sandbox", f"an examiner lacks what it needs: {reason}")
        self.busy = last != _DONE
        if self.busy:
            await self.end()
        yield ExaminationEnd(waiting.seconds)

    async def end(self) -> None:
        """Kill the process and wait for its end. Further calls do nothing."""
        await self._child.end()

    async def _cause_of_end(self, seconds: int) -> FoundBy:
        """The finding for a process whose connection has ended; raises Unavailable("sandbox") as `Child.exit_code`."""
        return _timed_out(seconds) if await self._child.exit_code() == -signal.SIGXCPU else _CRASH


class _Stopwatch:
    """Adds up the seconds of several waits, which may take `limit` seconds together."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self.seconds = 0.0

    async def timed(self, wait: Coroutine[Any, Any, bytes]) -> bytes:
        """The result of `wait`; raises TimeoutError when the limit is reached."""
        clock = asyncio.get_running_loop().time
        start = clock()
        try:
            async with asyncio.timeout(self._limit - self.seconds):
                return await wait
        finally:
            self.seconds += clock() - start


def _timed_out(seconds: int) -> FoundBy:
    return FoundBy("", ExaminerFinding("timed_out", f"The examination did not finish within {seconds} s."))
