"""A client of clamd: INSTREAM, FILDES and VERSION over TCP or a unix socket (clamd(8), "COMMANDS").

Each scan has a connection of its own, a bounded number at once. An IDSESSION would save the connecting, some 0.1 ms,
but clamd ends one at any error and at a stream that is too long, and what is left in it would be taken for the next
object's answer.
"""

import asyncio
import re
import socket
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlsplit

from airlock.errors import Unavailable
from airlock.verdict import Engine
from workers.inspection.clamd.wire import ClamdConnection

_LENGTH = struct.Struct(">I")
# What was scanned, as clamd calls it: `stream` or `fd[12]`.
_SUBJECT = re.compile(r"(stream|fd\[\d+\]): ")
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

    @property
    def local(self) -> bool:
        """Whether descriptors can be passed to it."""
        return bool(self.path)


class ClamdClient:
    """One clamd. Every method raises Unavailable("clamd") when it is away, late, or answers with what it never says."""

    def __init__(self, address: Address, *, connections: int = CONNECTIONS, seconds: float = SECONDS) -> None:
        self._address = address
        self._slots = asyncio.Semaphore(connections)
        self._seconds = seconds
        self._known: tuple[float, Engine] | None = None

    @property
    def local(self) -> bool:
        """Whether `scan_file` works: it listens on a unix socket."""
        return self._address.local

    async def stream(self) -> "Stream":
        """A stream to be scanned, once one of the connections is free. It has to be closed."""
        await self._slots.acquire()
        try:
            return Stream(ClamdConnection(await self._connect(), self._seconds), self._slots)
        except BaseException:
            self._slots.release()
            raise

    async def scan_file(self, descriptor: int) -> str:
        """What clamd says about the whole file behind `descriptor`, whose position it moves; ours is left open."""
        async with self._slots:
            wire = ClamdConnection(await self._connect(), self._seconds)
            try:
                await wire.send(b"zFILDES\0")
                wire.send_descriptor(descriptor)
                return _SUBJECT.sub("", await wire.answer(), count=1)
            finally:
                wire.close()

    async def engine(self) -> Engine:
        """ClamAV's version and the date of its signatures, as of at most a minute ago."""
        clock = asyncio.get_running_loop().time
        if self._known is None or self._known[0] < clock() - VERSION_SECONDS:
            self._known = (clock(), await self.version())
        return self._known[1]

    async def version(self) -> Engine:
        """ClamAV's version and the date of its signatures, as of now."""
        wire = ClamdConnection(await self._connect(), self._seconds)
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
            # Whoever answers next may be another one.
            self._known = None
            raise Unavailable("clamd", f"cannot be reached ({type(error).__name__})") from error


class Stream:
    """One INSTREAM. After the first answer the rest need not be sent, and is not."""

    def __init__(self, wire: ClamdConnection, slots: asyncio.Semaphore) -> None:
        self._wire = wire
        self._slots = slots
        self._begun = self._closed = False

    async def send(self, chunk: bytes) -> None:
        """Send the next bytes (not empty: that would end the stream)."""
        command = b"" if self._begun else b"zINSTREAM\0"
        self._begun = True
        await self._wire.send(command + _LENGTH.pack(len(chunk)) + chunk)

    async def finish(self) -> str:
        """End the stream; what clamd says about it, such as `OK` or `Eicar-Signature FOUND`."""
        command = b"" if self._begun else b"zINSTREAM\0"
        await self._wire.send(command + _LENGTH.pack(0))
        return _SUBJECT.sub("", await self._wire.answer(), count=1)

    def close(self) -> None:
        """End the connection, whatever state it is in; the second time nothing."""
        if not self._closed:
            self._closed = True
            self._wire.close()
            self._slots.release()


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
    """Read `ClamAV 1.4.6/27800/Sun Nov 15 09:26:11 2026`; without a database of ClamAV's own it is `ClamAV 1.4.6`.

    The date is taken for UTC; clamd writes it in its own time zone.
    """
    program, _, signatures = answer.partition("/")
    if not program.startswith("ClamAV "):
        raise Unavailable("clamd", "does not say its version")
    if not signatures:
        return Engine(name="clamav", version=f"{program.removeprefix('ClamAV ')} (signatures without a date)")
    number, _, written = signatures.partition("/")
    try:
        signatures_at = datetime.strptime(written, "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except ValueError as error:
        raise Unavailable("clamd", f"dates its signatures {written[:64]!r}") from error
    return Engine(name="clamav", version=f"{program.removeprefix('ClamAV ')}/{number}", signatures_at=signatures_at)
