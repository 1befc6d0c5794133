"""A client of clamd: INSTREAM, FILDES and VERSION over TCP or a unix socket (clamd(8), "COMMANDS").

Each scan has a connection of its own; their number is limited. An IDSESSION would save about 0.1 ms for connecting. But
clamd ends a session at any error and at a stream that is too long, and bytes left in it could be read as the answer for
the next object.
"""

import asyncio
import re
import socket
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlsplit

from airlock.errors import Outage, Unavailable
from airlock.verdict import Engine
from workers.inspection.clamd.wire import ClamdConnection

_LENGTH = struct.Struct(">I")
# Before each verdict clamd names what it scanned: `stream` or `fd[12]`.
_SUBJECT = re.compile(r"(stream|fd\[\d+\]): ")
# clamd's default for MaxThreads is 10; more connections would wait in its queue.
CONNECTIONS = 10
# The longest wait for clamd to read the next bytes or to answer: its own MaxScanTime is 540 s in k8s/clamd.conf.
SECONDS = 600.0
CONNECT_SECONDS = 5.0
VERSION_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where clamd listens: `host` and `port`, or the `path` of a unix socket."""

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
        """Whether it is a unix socket, over which descriptors can be passed."""
        return bool(self.path)


class ClamdClient:
    """A client of one clamd.

    Every method raises Unavailable("clamd") when clamd cannot be reached, is late, or gives an invalid answer.
    """

    def __init__(self, address: Address, *, connections: int = CONNECTIONS, seconds: float = SECONDS) -> None:
        self._address = address
        self._slots = asyncio.Semaphore(connections)
        self._seconds = seconds
        self._known: tuple[float, Engine] | None = None

    @property
    def local(self) -> bool:
        """Whether `scan_file` works, which needs a unix socket."""
        return self._address.local

    async def stream(self) -> "Stream":
        """A new stream, as soon as a connection is free. The caller closes it."""
        await self._slots.acquire()
        try:
            return Stream(ClamdConnection(await self._connect(), self._seconds), self._slots)
        except BaseException:
            self._slots.release()
            raise

    async def scan_file(self, descriptor: int) -> str:
        """The answer on the whole file of `descriptor`. Moves its position, and leaves it open."""
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
            # The clamd that answers next may be another version.
            self._known = None
            raise Outage("clamd", f"cannot be reached ({type(error).__name__})") from error


class Stream:
    """One INSTREAM. When clamd has answered before the end, the rest is not sent."""

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
        """End the stream; clamd's answer, such as `OK` or `Eicar-Signature FOUND`."""
        command = b"" if self._begun else b"zINSTREAM\0"
        await self._wire.send(command + _LENGTH.pack(0))
        return _SUBJECT.sub("", await self._wire.answer(), count=1)

    def close(self) -> None:
        """End the connection, in any state. Further calls do nothing."""
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
    for family, _, _, _, socket_address in found:
        try:
            return await _connect_one(family, socket_address)
        except OSError as error:
            failure = error
    raise failure


async def _connect_one(family: int, socket_address: Any) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, socket_address)
    except BaseException:
        connection.close()
        raise
    return connection


def _engine(answer: str) -> Engine:
    """Read `ClamAV 1.4.6/27800/Sun Nov 15 09:26:11 2026`, or `ClamAV 1.4.6` where it has no database of ClamAV's.

    The date is read as UTC, although clamd writes it in its own time zone, which it does not name.
    """
    program, _, signatures = answer.partition("/")
    if not program.startswith("ClamAV "):
        raise Unavailable("clamd", "its answer to VERSION is not ClamAV's")
    if not signatures:
        return Engine(name="clamav", version=f"{program.removeprefix('ClamAV ')} (signatures without a date)")
    number, _, written = signatures.partition("/")
    try:
        signatures_at = datetime.strptime(written, "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except ValueError as error:
        raise Unavailable("clamd", f"the date of its signatures cannot be read: {written[:64]!r}") from error
    return Engine(name="clamav", version=f"{program.removeprefix('ClamAV ')}/{number}", signatures_at=signatures_at)
