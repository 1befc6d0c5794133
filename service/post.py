"""Sending answers: those of one turn of the event loop together."""

import asyncio

from aiohttp import web


class Post:
    """Sends answers once all of a turn are made: a system call between making two of them makes both dearer."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Transport, bytes] = {}

    def send(self, transport: asyncio.Transport, answer: bytes) -> None:
        """Write `answer` before the event loop waits again."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._send_all)
        self._waiting[transport] = answer

    def precede(self, transport: asyncio.Transport | None) -> None:
        """Call it before anything else is written to `transport`: answers on one connection keep their order."""
        if transport in self._waiting:
            self._send_all()

    def _send_all(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for transport, answer in waiting.items():
            if not transport.is_closing():
                transport.write(answer)


POST = web.AppKey("post", Post)
