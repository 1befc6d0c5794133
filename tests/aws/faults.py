"""A server on loopback that answers each request as scripted: errors, resets, partial answers, garbage."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass
class Script:
    """`answers` in turn, the last one for ever after; `requests` holds the heads of requests, `bodies` their
    bodies.
    """

    answers: list[bytes]
    url: str = ""
    requests: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def next(self) -> bytes:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


RESET = b"reset"
SILENCE = b"silence"
"""Alone, or before the beginning of an answer: the rest is never sent."""


def answer(status: int, body: bytes, *, headers: str = "", length: int | None = None) -> bytes:
    """One HTTP answer; with a `length` above the body's, the connection ends before its end."""
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {status} Scripted\r\nContent-Length: {size}\r\nConnection: close\r\n{headers}\r\n"
    return head.encode() + body


@contextlib.asynccontextmanager
async def serving(*answers: bytes) -> AsyncIterator[Script]:
    """A raw TCP server, so that it can break HTTP too."""
    script, over = Script(list(answers)), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await _serve_one(reader, writer, script, over)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    script.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield script
    finally:
        over.set()
        server.close()
        await server.wait_closed()


async def _serve_one(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, script: Script, over: asyncio.Event
) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    script.requests.append(head)
    length = next((int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0)
    script.bodies.append(await reader.readexactly(length))
    reply = script.next()
    if reply == RESET:
        writer.transport.abort()
        return
    writer.write(reply.removeprefix(SILENCE))
    await writer.drain()
    if reply.startswith(SILENCE):
        await over.wait()
