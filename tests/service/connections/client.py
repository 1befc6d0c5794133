"""A client that sends what a test says, byte by byte if need be, and reads what comes back."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.service.harness import TOKENS, ServiceHarness

PATIENCE = 10
AUTHORIZATION = f"Authorization: Bearer {TOKENS['shop']}\r\n".encode()
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /v1/uploads HTTP/1.1\r\nHost: x\r\n" + AUTHORIZATION


@dataclass
class Response:
    """A response in its parts; `document` is its body."""

    status: int
    headers: dict[str, str]
    document: Any


@dataclass
class Client:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def response(self) -> Response:
        """The next response, whose body has a length."""
        async with asyncio.timeout(PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.split("\r\n")[:-2]
            headers = {name.lower(): text for name, _, text in (line.partition(": ") for line in lines)}
            body = await self.reader.readexactly(int(headers["content-length"]))
        return Response(int(first.split()[1]), headers, json.loads(body) if body else None)

    async def rest(self) -> bytes:
        """All that comes until the service closes the connection; a reset is an end, too."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""

    async def is_answered(self) -> bool:
        """Whether a normal request on this connection has its normal response."""
        await self.send(GET + b"\r\n")
        return (await self.response()).status == 200


@asynccontextmanager
async def connected(service: ServiceHarness) -> AsyncIterator[Client]:
    """A connection to the service."""
    at = urlsplit(service.url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


async def passes(service: ServiceHarness, seconds: float) -> None:
    """So much time passes, and the service has looked at its connections since."""
    assert (await service.ask("GET", "/healthz")).status == 200  # what was sent before has arrived
    service.clock.advance(seconds)
    await service.clock.asleep(1)
