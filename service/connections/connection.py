"""One connection, between asyncio and aiohttp: it knows whose turn it is, the client's or ours.

aiohttp's protocol stands behind it, and its transport before it; both are asyncio's public interfaces. A request
begins when the application gets it, and ends when aiohttp logs it. What aiohttp writes outside of a request is its
parser's error, which quotes what was sent: the client gets ours instead.
"""

import asyncio
from collections.abc import Callable, Iterable
from enum import IntEnum, auto
from typing import TYPE_CHECKING, Any, cast

from aiohttp import StreamReader, web

from service.connections import refusals

if TYPE_CHECKING:
    from service.connections.table import Connections

# Bytes that a connection may send ahead of what the application has taken: a header of 64 KiB, which is what AWS's load
# balancer lets through, and a body.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
MAX_AHEAD = 128 * 1024
_HEADER_END = b"\r\n\r\n"
_CONTINUE = b"HTTP/1.1 100 "


class Turn(IntEnum):
    """Whose turn it is, and what is waited for."""

    SILENT = auto()
    """The client has sent nothing yet."""
    HEADER = auto()
    """The client has sent a part of a header."""
    IDLE = auto()
    """The client has its response."""
    OURS = auto()
    """The application has the request."""
    UNREAD = auto()
    """The client does not read the response."""
    CLOSING = auto()
    """The last bytes have been written."""
    REFUSED = auto()
    """There were too many connections when this one came."""


class Connection(asyncio.Protocol):
    """Passes everything on to the protocol that `make` gives, and tells the table whose turn it is."""

    __slots__ = (
        "_body",
        "_has_header",
        "_inner",
        "_is_closed",
        "_make",
        "_table",
        "_transport",
        "ahead",
        "since",
        "turn",
    )

    def __init__(self, table: "Connections", make: Callable[[], asyncio.Protocol]) -> None:
        self._table = table
        self._make = make
        self._inner: asyncio.Protocol | None = None
        self._transport: asyncio.Transport
        self._body: StreamReader | None = None
        self._has_header = False
        self._is_closed = False
        self.turn = Turn.SILENT
        self.since = 0.0
        self.ahead = 0
        """Bytes that the client has sent and the application has not taken."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or leave it without a protocol: `data_received` refuses its request then."""
        self._transport = cast(asyncio.Transport, transport)
        if self._table.admit(self):
            self._inner = self._make()
            self._inner.connection_made(cast(asyncio.Transport, Guarded(self._transport, self)))

    def connection_lost(self, exc: Exception | None) -> None:
        self._table.remove(self)
        if self._inner is not None:
            self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._inner is None:
            self._write_last(refusals.TOO_MANY)
        elif self.turn is Turn.CLOSING:
            return
        elif (body := self._body) is not None:
            self._inner.data_received(data)
            if body.is_eof() and body is self._body:
                self._body = None
        elif self.ahead > MAX_AHEAD and not self._has_header:
            self.refuse(refusals.BROKEN)
        else:
            self._table.sent(self, len(data))
            # What follows is a body, which the application refuses when it is too large.
            self._has_header |= self.turn is Turn.HEADER and _HEADER_END in data
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._inner is not None else None

    def pause_writing(self) -> None:
        if self.turn is Turn.OURS:
            self._table.move(self, Turn.UNREAD)
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self.turn is Turn.UNREAD:
            self._table.move(self, Turn.OURS)
        if self._inner is not None:
            self._inner.resume_writing()

    def begin(self, request: web.BaseRequest) -> None:
        """The application has got `request`."""
        self._table.taken(self)
        self._has_header = False
        self._body = None if request.content.is_eof() else request.content

    def end(self) -> None:
        """The response to the request has been written."""
        if self.turn is not Turn.CLOSING:
            self._table.move(self, Turn.IDLE)

    @property
    def answers(self) -> bool:
        """Whether what is written now belongs to a request of the application."""
        return self.turn in (Turn.OURS, Turn.UNREAD)

    def refuse(self, answer: bytes) -> None:
        """Write `answer` as the last bytes, and wait for the client to close: an unread byte would destroy them."""
        if self.turn is not Turn.CLOSING:
            self._table.move(self, Turn.CLOSING)
            self._write_last(answer)

    def _write_last(self, answer: bytes) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._transport.write(answer)
            self._transport.write_eof()

    def expire(self, answer: bytes) -> None:
        """Close the connection, whose client has taken too long. A part of a header gets `answer`."""
        if self.turn in (Turn.UNREAD, Turn.CLOSING, Turn.REFUSED) or self._transport.get_write_buffer_size():
            self.abort()
            return
        if self.turn is Turn.HEADER:
            self._transport.write(answer)
        self._table.remove(self)
        self._transport.close()

    def close(self) -> None:
        """Close the connection once everything is written, unless it waits for the client to close."""
        if self.turn is not Turn.CLOSING:
            self._table.move(self, Turn.CLOSING)
            self._transport.close()

    def abort(self) -> None:
        """Close the connection at once."""
        self._table.remove(self)
        self._transport.abort()


class Guarded:
    """The transport that aiohttp gets, and that a request has as `request.transport`."""

    __slots__ = ("_transport", "connection")

    def __init__(self, transport: asyncio.Transport, connection: Connection) -> None:
        self._transport = transport
        self.connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self.connection.answers or data.startswith(_CONTINUE):
            self._transport.write(data)
        else:
            self.connection.refuse(refusals.BROKEN)

    def writelines(self, chunks: Iterable[bytes]) -> None:
        self.write(b"".join(chunks))

    def close(self) -> None:
        self.connection.close()


def begin(request: web.BaseRequest) -> None:
    """To be called by whatever in the application is the first to get a request."""
    if (connection := _of(request)) is not None:
        connection.begin(request)


def end(request: web.BaseRequest) -> None:
    """To be called when the response to a request has been written."""
    if (connection := _of(request)) is not None:
        connection.end()


def _of(request: web.BaseRequest) -> Connection | None:
    # None when the client has hung up.
    transport: object = request.transport
    return transport.connection if isinstance(transport, Guarded) else None
