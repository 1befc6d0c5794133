"""A client of clamd: INSTREAM and VERSION over TCP or a unix socket (clamd(8), "COMMANDS").

clamd can answer before everything was sent, and then close: the answer stays readable in the kernel although the next
send fails. So the socket is used directly, and whenever sending stops for any reason the answer is looked for first.
"""

import asyncio
import socket
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlsplit

from airlock.errors import Unavailable
from airlock.verdict import Engine

_LENGTH = struct.Struct(">I")
# An answer is a line: a signature's name at most.
_LONGEST_ANSWER = 4096
# clamd's MaxThreads is 10 as it is shipped; more connections would wait in its queue.
CONNECTIONS = 10
# How long clamd may take to take the next bytes, or to answer: its own ReadTimeout and MaxScanTime are 120 s.
SECONDS = 150.0
CONNECT_SECONDS = 5.0
VERSION_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where a clamd listens: `host` and `port`, or a unix socket's `path`."""

    host: str = ""
    port: int = 0
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `tcp://HOST:PORT` or `unix:///PATH`; raises ValueError for anything else."""
        parts = urlsplit(text)
        if parts.scheme == "unix" and parts.path.startswith("/") and not parts.netloc:
            return cls(path=parts.path)
        if parts.scheme == "tcp" and parts.hostname and parts.port:
            return cls(parts.hostname, parts.port)
        raise ValueError("must be tcp://HOST:PORT or unix:///PATH")


class Clamd:
    """One clamd. Every method raises Unavailable("clamd") when it is away, late, or answers with what it never says."""

    def __init__(self, address: Address, *, connections: int = CONNECTIONS, seconds: float = SECONDS) -> None:
        self._address = address
        self._slots = asyncio.Semaphore(connections)
        self._seconds = seconds
        self._known: tuple[float, Engine] | None = None

    async def stream(self) -> "Stream":
        """A stream to be scanned, once one of the connections is free. It has to be closed."""
        await self._slots.acquire()
        try:
            return Stream(await self._connect(), self._seconds, self._slots)
        except BaseException:
            self._slots.release()
            raise

    async def engine(self) -> Engine:
        """ClamAV's version and the date of its signatures, as of at most a minute ago."""
        clock = asyncio.get_running_loop().time
        if self._known is None or self._known[0] < clock() - VERSION_SECONDS:
            self._known = (clock(), await self.version())
        return self._known[1]

    async def version(self) -> Engine:
        """ClamAV's version and the date of its signatures, as of now."""
        wire = _Wire(await self._connect(), self._seconds)
        try:
            await wire.send(b"zVERSION\0")
            return _engine(await wire.answer())
        finally:
            wire.close()

    async def _connect(self) -> socket.socket:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await _connected(self._address)
        except (OSError, TimeoutError) as error:
            raise Unavailable("clamd", f"cannot be reached ({type(error).__name__})") from error


class Stream:
    """One INSTREAM. After the first answer the rest need not be sent, and is not."""

    def __init__(self, connection: socket.socket, seconds: float, slots: asyncio.Semaphore) -> None:
        self._wire = _Wire(connection, seconds)
        self._slots = slots
        self._begun = False

    async def send(self, chunk: bytes) -> None:
        """Send the next bytes (not empty: that would end the stream)."""
        command = b"" if self._begun else b"zINSTREAM\0"
        self._begun = True
        await self._wire.send(command + _LENGTH.pack(len(chunk)) + chunk)

    async def finish(self) -> str:
        """End the stream; what clamd says about it, such as `OK` or `Eicar-Signature FOUND`."""
        command = b"" if self._begun else b"zINSTREAM\0"
        await self._wire.send(command + _LENGTH.pack(0))
        return (await self._wire.answer()).removeprefix("stream: ")

    def close(self) -> None:
        """Give the connection back, whatever state it is in."""
        self._wire.close()
        self._slots.release()


class _Wire:
    """A non-blocking socket on which an answer can come while we still send."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._socket = connection
        self._seconds = seconds
        self._received = bytearray()
        self._stopped = False

    async def send(self, data: bytes) -> None:
        """Send all of it, unless an answer has begun or the peer takes no more: then nothing is sent any more."""
        rest = memoryview(data)
        while rest and not self._stopped:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                await self._ready(writing=True)
                self._receive()
            except OSError:
                self._stopped = True

    async def answer(self) -> str:
        """The answer, without the zero byte that ends it."""
        while b"\0" not in self._received:
            if not self._receive():
                await self._ready(writing=False)
        return self._received.partition(b"\0")[0].decode("utf-8", "replace").strip()

    def close(self) -> None:
        self._socket.close()

    def _receive(self) -> bool:
        """Take what has come; whether anything had."""
        try:
            data = self._socket.recv(_LONGEST_ANSWER)
        except BlockingIOError:
            return False
        except OSError as error:
            raise Unavailable("clamd", f"broke off ({type(error).__name__})") from error
        if not data:
            raise Unavailable("clamd", "closed the connection without an answer")
        self._stopped = True
        self._received += data
        if len(self._received) > _LONGEST_ANSWER:
            raise Unavailable("clamd", "its answer has no end")
        return True

    async def _ready(self, *, writing: bool) -> None:
        """Wait until there is something to read, or, when `writing`, room to write."""
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
            raise Unavailable("clamd", f"did nothing for {self._seconds:g} s") from error
        finally:
            loop.remove_reader(number)
            loop.remove_writer(number)


def _wake(woken: "asyncio.Future[None]") -> None:
    if not woken.done():
        woken.set_result(None)


async def _connected(address: Address) -> socket.socket:
    loop = asyncio.get_running_loop()
    if address.path:
        return await _connect_one(socket.AF_UNIX, address.path)
    found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    failure: OSError = ConnectionError("the name has no address")
    for family, _, _, _, place in found:
        try:
            return await _connect_one(family, place)
        except OSError as error:
            failure = error
    raise failure


async def _connect_one(family: int, place: Any) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, place)
    except BaseException:
        connection.close()
        raise
    return connection


def _engine(answer: str) -> Engine:
    """Read `ClamAV 1.4.6/27800/Sun Nov 15 09:26:11 2026`; without a database of ClamAV's own it is `ClamAV 1.4.6`."""
    program, _, signatures = answer.partition("/")
    if not program.startswith("ClamAV "):
        raise Unavailable("clamd", "does not say its version")
    number, _, written = signatures.partition("/")
    version = program.removeprefix("ClamAV ") + (f"/{number}" if number else "")
    try:
        signatures_at = datetime.strptime(written, "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except ValueError:
        signatures_at = None
    return Engine(name="clamav", version=version, signatures_at=signatures_at)
