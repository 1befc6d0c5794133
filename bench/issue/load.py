"""A load generator that costs less than what it measures: one prepared request, written again for each answer."""

import asyncio
from collections.abc import Sequence
from typing import cast


class _Connection(asyncio.Protocol):
    """One keep-alive connection; it counts answers of the status that it expects, and stops at any other."""

    def __init__(self, request: bytes, expected: bytes, done: asyncio.Future[None]) -> None:
        self.answers = 0
        self.stopping = False
        self._request, self._expected, self._done = request, expected, done
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transport is one by behaviour, not by descent.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0 or self._transport is None:
            return
        start = self._buffer.lower().find(b"content-length:", 0, head) + len(b"content-length:")
        length = int(self._buffer[start : self._buffer.find(b"\r\n", start)])
        if len(self._buffer) < head + 4 + length:
            return
        if not self._buffer.startswith(b"HTTP/1.1 " + self._expected):
            self._end(RuntimeError(f"unexpected answer: {self._buffer[:300]!r}"))
            return
        self._buffer = b""
        self.answers += 1
        if self.stopping:
            self._end(None)
        else:
            self._transport.write(self._request)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._end(error or RuntimeError("the server closed the connection"))

    def _end(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(error) if error else self._done.set_result(None)
        if self._transport is not None:
            self._transport.close()


def _keep_awake(loop: asyncio.AbstractEventLoop) -> list[None]:
    """Keep the loop from sleeping until the returned list is cleared.

    On a virtual machine a write that wakes a sleeping peer costs its writer up to 100 µs, which would be counted
    against whichever server is slow enough to let the load generator sleep.
    """
    spinning = [None]

    def spin() -> None:
        if spinning:
            loop.call_soon(spin)

    spin()
    return spinning


def request(path: str, body: bytes, headers: Sequence[tuple[str, str]]) -> bytes:
    """The bytes of one HTTP/1.1 POST of a JSON body."""
    lines = [f"POST {path} HTTP/1.1", "Host: bench", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


async def drive(port: int, message: bytes, expected: int, seconds: float, connections: int = 16) -> tuple[int, float]:
    """Send `message` over and over for `seconds`; returns the answers that came and the seconds it really took."""
    loop = asyncio.get_running_loop()
    status = str(expected).encode()
    ends = [loop.create_future() for _ in range(connections)]
    clients = []
    begin = loop.time()
    for end in ends:
        _, client = await loop.create_connection(lambda end=end: _Connection(message, status, end), "127.0.0.1", port)  # type: ignore[misc]
        clients.append(client)
    spinning = _keep_awake(loop)
    await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    spinning.clear()
    for client in clients:
        client.stopping = True
    await asyncio.gather(*ends)
    return sum(client.answers for client in clients), loop.time() - begin
