"""One connection to a clamd.

clamd can answer before everything was sent, and then close: the next send fails, but the kernel still has the answer.
So the socket is used directly instead of asyncio's streams, and when sending stops for any reason, the answer is read.
"""

import asyncio
import socket

from airlock.errors import Unavailable

# An answer is one line with the name of a signature.
_LONGEST_ANSWER = 4096


class ClamdConnection:
    """A non-blocking socket on which the answer can come while we still send; `seconds` limits each wait.

    Every method but `close` raises Unavailable("clamd").
    """

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._socket = connection
        self._seconds = seconds
        self._received = bytearray()
        self._stopped = False

    async def send(self, data: bytes) -> None:
        """Send all of `data`. Once an answer has begun or clamd reads no more, this and later calls send nothing."""
        rest = memoryview(data)
        while rest and not self._stopped:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                await self._ready(writing=True)
                self._receive()
            except OSError:
                self._stopped = True

    def send_descriptor(self, descriptor: int) -> None:
        """Send one byte that carries a duplicate of `descriptor` (unix(7), SCM_RIGHTS).

        It does not wait: a connection that has sent only a command has room for one more byte.
        """
        try:
            socket.send_fds(self._socket, [b"\0"], [descriptor])
        except OSError as error:
            raise Unavailable("clamd", f"cannot be sent a descriptor ({type(error).__name__})") from error

    async def answer(self) -> str:
        """The answer, without the zero byte that ends it."""
        while b"\0" not in self._received:
            if not self._receive():
                await self._ready(writing=False)
        return self._received.partition(b"\0")[0].decode("utf-8", "replace").strip()

    def close(self) -> None:
        self._socket.close()

    def _receive(self) -> bool:
        """Read what has arrived; whether that was anything."""
        try:
            data = self._socket.recv(_LONGEST_ANSWER)
        except BlockingIOError:
            return False
        except OSError as error:
            raise Unavailable("clamd", f"the connection was lost ({type(error).__name__})") from error
        if not data:
            raise Unavailable("clamd", "closed the connection without an answer")
        self._stopped = True
        self._received += data
        if len(self._received) > _LONGEST_ANSWER:
            raise Unavailable("clamd", "its answer is too long")
        return True

    async def _ready(self, *, writing: bool) -> None:
        """Wait until there is something to read or, when `writing`, room to write."""
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        number = self._socket.fileno()
        loop.add_reader(number, _wake, woken)
        if writing:
            loop.add_writer(number, _wake, woken)
        try:
            async with asyncio.timeout(self._seconds):
                await woken
        except TimeoutError as error:
            raise Unavailable("clamd", f"did not read or answer for {self._seconds:g} s") from error
        finally:
            loop.remove_reader(number)
            loop.remove_writer(number)


def _wake(woken: "asyncio.Future[None]") -> None:
    if not woken.done():
        woken.set_result(None)
