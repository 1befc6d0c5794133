"""All connections of the service, in a queue for each turn. The first of a queue has waited longest.

Where there are as many as there may be, a new one takes the place of the one that has waited longest for its client,
and those without a whole request give way first. So clients that send nothing, or half of a request, keep nobody out.
"""

import asyncio
import contextlib
import logging
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable

from airlock.callables import Clock, Sleep
from service.connections import refusals
from service.connections.connection import Connection, Turn
from service.connections.settings import ConnectionSettings

log = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0
# A whole request is there within this time. So long, a new connection does not give way to the next one.
GRACE_SECONDS = 1.0
# Connections above the limit, which get a response that says so. Others are closed without one.
REFUSED = 64
# Bytes of all connections together that the application has not taken. The parser's objects take about as much again.
MAX_AHEAD_OF_ALL = 32 * 1024 * 1024
_UNFINISHED = (Turn.CLOSING, Turn.SILENT, Turn.HEADER, Turn.UNREAD)


class Connections:
    """At most `settings.connections` at once; `running` ends those whose clients take too long."""

    def __init__(self, settings: ConnectionSettings, *, now: Clock, sleep: Sleep) -> None:
        self._limit = settings.connections
        self._now = now
        self._sleep = sleep
        self._queues: dict[Turn, OrderedDict[Connection, None]] = {turn: OrderedDict() for turn in Turn}
        self._seconds = {
            Turn.SILENT: settings.keep_alive_seconds,
            Turn.IDLE: settings.keep_alive_seconds,
            Turn.HEADER: settings.header_seconds,
            Turn.UNREAD: settings.response_seconds,
            Turn.CLOSING: settings.response_seconds,
            Turn.REFUSED: settings.response_seconds,
        }
        self._ahead = 0
        self._closed: Counter[str] = Counter()

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def factory(self, make: Callable[[], asyncio.Protocol]) -> Callable[[], Connection]:
        """A protocol factory for `loop.create_server`, around that of a server."""
        return lambda: Connection(self, make)

    def admit(self, connection: Connection) -> bool:
        """Take a new connection into the table. False: it gets no protocol, because there are too many."""
        refused = self._queues[Turn.REFUSED]
        admitted = len(self) - len(refused) < self._limit or self._make_room()
        self.move(connection, Turn.SILENT if admitted else Turn.REFUSED)
        if not admitted:
            self._closed["refused"] += 1
            if len(refused) > REFUSED:
                connection.abort()
        return admitted

    def move(self, connection: Connection, turn: Turn) -> None:
        """It is another's turn now."""
        self._queues[connection.turn].pop(connection, None)
        connection.turn, connection.since = turn, self._now()
        self._queues[turn][connection] = None

    def remove(self, connection: Connection) -> None:
        """The connection has ended."""
        self._queues[connection.turn].pop(connection, None)
        connection.turn = Turn.CLOSING
        self._ahead -= connection.ahead
        connection.ahead = 0

    def sent(self, connection: Connection, size: int) -> None:
        """The client has sent `size` bytes that the application has not taken."""
        if connection.turn in (Turn.SILENT, Turn.IDLE):
            self.move(connection, Turn.HEADER)
        connection.ahead += size
        self._ahead += size
        if self._ahead > MAX_AHEAD_OF_ALL:
            self._make_room()

    def taken(self, connection: Connection) -> None:
        """The application has taken what the client has sent."""
        self._ahead -= connection.ahead
        connection.ahead = 0
        if connection.turn is not Turn.CLOSING:
            self.move(connection, Turn.OURS)

    def sweep(self) -> None:
        """End the connections whose clients have taken too long."""
        for turn, seconds in self._seconds.items():
            queue = self._queues[turn]
            while queue and self._now() - (connection := next(iter(queue))).since >= seconds:
                if turn in (Turn.HEADER, Turn.UNREAD):
                    self._closed[f"slow_{turn.name.lower()}"] += 1
                connection.expire(refusals.TOO_SLOW)
        if self._closed:
            log.warning("closed connections: their clients were slow, or others needed the room", extra=self._closed)
            self._closed = Counter()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Sweep every second. At the end, close what is still open."""
        sweeping = asyncio.create_task(self._sweep_forever(), name="connections")
        try:
            yield
        finally:
            sweeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sweeping
            for connection in [each for queue in self._queues.values() for each in queue]:
                connection.abort()

    async def _sweep_forever(self) -> None:
        while True:
            await self._sleep(SWEEP_SECONDS)
            self.sweep()

    def _make_room(self) -> bool:
        """Close the connection that has waited longest for its client; False when all wait for us."""
        if (connection := self._giving_way()) is None:
            return False
        self._closed["gave_way"] += 1
        connection.expire(refusals.TOO_MANY)
        return True

    def _giving_way(self) -> Connection | None:
        firsts = [next(iter(queue)) for turn in _UNFINISHED if (queue := self._queues[turn])]
        unfinished = min(firsts, key=lambda connection: connection.since, default=None)
        if unfinished is not None and self._now() - unfinished.since >= GRACE_SECONDS:
            return unfinished
        # A load balancer's idle connections are in use again soon, so they are seldom the first.
        return next(iter(self._queues[Turn.IDLE]), unfinished)
