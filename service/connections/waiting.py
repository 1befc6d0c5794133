"""The requests that wait: for their body, or for a change. Their number is limited for each owner and in all."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator

from aiohttp import web

from airlock.errors import Refused
from service.connections.refusals import RETRY_AFTER
from service.connections.settings import ConnectionSettings
from service.models import requests


class WaitingRoom:
    """Places for requests that wait."""

    def __init__(self, settings: ConnectionSettings) -> None:
        self._limit = settings.waiting_requests
        self._limit_of_owner = settings.owner_waiting_requests
        self._body_seconds = settings.body_seconds
        self._all = 0
        self._of_owner: Counter[str] = Counter()

    @contextlib.contextmanager
    def place(self, owner: str) -> Iterator[None]:
        """A place for one request of `owner`. Raises Refused when there is none."""
        if self._of_owner[owner] >= self._limit_of_owner:
            raise _full(f"{self._limit_of_owner} of your requests are waiting, which is the most that may")
        if self._all >= self._limit:
            raise _full(f"{self._limit} requests are waiting, which is the most that may")
        self._all += 1
        self._of_owner[owner] += 1
        try:
            yield
        finally:
            self._all -= 1
            self._of_owner[owner] -= 1
            if not self._of_owner[owner]:
                del self._of_owner[owner]

    async def body_of(self, request: web.Request, owner: str) -> bytes:
        """The body of a request of `owner`. Raises Refused when it does not come in time."""
        if request.content.is_eof():
            return await requests.read_body(request)
        with self.place(owner):
            try:
                async with asyncio.timeout(self._body_seconds):
                    return await requests.read_body(request)
            except TimeoutError:
                detail = f"The body did not come within {self._body_seconds:g} s"
                raise Refused("request_timeout", detail, headers={"Connection": "close"}) from None


def _full(detail: str) -> Refused:
    return Refused("too_many_waiting", detail, retry_after=RETRY_AFTER)


WAITING_ROOM = web.AppKey("waiting_room", WaitingRoom)
