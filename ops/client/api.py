"""The service's HTTP API, as the command line needs it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp

from airlock.backoff import Backoff
from airlock.errors import AirlockError
from airlock.lifecycle import TERMINAL, State

DEFAULT = "http://127.0.0.1:8080"
HOLD_SECONDS = 20
TRIES = 5
BACKOFF = Backoff(first=1.0, longest=8.0)
AWAY = (None, 429, 502, 503, 504)

Document = dict[str, Any]
"""An upload, as `GET /v1/uploads/{id}` answers it."""


@dataclass(eq=False)
class Problem(AirlockError):
    """What went wrong in asking or sending: RFC 9457 problem details, or the same shape for other failures.

    `status` is the HTTP status, and None where there was no answer.
    """

    status: int | None
    code: str
    title: str
    detail: str = ""
    field: str | None = None
    errors: tuple[Document, ...] = ()
    retry_after: str | None = None

    def __str__(self) -> str:
        lines = [self.title, *([f"  {self.detail}"] if self.detail else [])]
        told = [error for error in self.errors if error.get("detail") != self.detail]
        lines += [f"  {error.get('field')}: {error.get('detail')}" for error in told]
        if self.field and not told:
            lines.append(f"  field: {self.field}")
        if self.retry_after:
            lines.append(f"  try again in {self.retry_after} s")
        return "\n".join(lines)

    def to_json(self) -> Document:
        """The members that say something."""
        members = {**vars(self), "errors": list(self.errors)}
        return {key: value for key, value in members.items() if value}


class Api:
    """A service at `url`, asked with `token`. Everything raises Problem."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self.url = url

    async def create(self, request: Document) -> Document:
        """`POST /v1/uploads`: the upload, with the policy under `upload`."""
        return await self._call("POST", "/v1/uploads", json=request)

    async def get(self, upload_id: str, *, until_not: str | None = None) -> Document:
        """The upload as it is; with `until_not`, the answer waits some time until it has left that state."""
        asked = {"wait": str(HOLD_SECONDS), "state": until_not} if until_not else {}
        return await self._call("GET", f"/v1/uploads/{quote(upload_id, safe='')}", params=asked)

    async def withdraw(self, upload_id: str) -> Document:
        """`DELETE /v1/uploads/{id}`: takes the upload back, wherever it is."""
        return await self._call("DELETE", f"/v1/uploads/{quote(upload_id, safe='')}")

    async def follow(self, told: Document, says: Callable[[str], object] = lambda _: None) -> Document:
        """The upload in its final state; `says` hears each state that comes after the one that was told.

        A service that is away for a moment is asked again.
        """
        while State(told["state"]) not in TERMINAL:
            before, told = told, await self._patiently(told["id"], told["state"])
            if told["state"] != before["state"]:
                says(told["state"])
        return told

    async def _patiently(self, upload_id: str, state: str) -> Document:
        for failures in range(1, TRIES):
            try:
                return await self.get(upload_id, until_not=state)
            except Problem as problem:
                if problem.status not in AWAY:
                    raise
            await asyncio.sleep(BACKOFF.most(failures))
        return await self.get(upload_id, until_not=state)

    async def _call(self, method: str, path: str, **options: Any) -> Document:
        try:
            async with self._session.request(method, self.url + path, **options) as response:
                if response.ok:
                    document: Document = await response.json()
                    return document
                raise await _problem(response)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise no_answer(f"The service at {self.url} gives no answer.", error) from error


@asynccontextmanager
async def connect(url: str, token: str | None) -> AsyncIterator[Api]:
    """The service at this address, for as long as the context lasts."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=HOLD_SECONDS + 15)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        yield Api(session, url.rstrip("/"))


def no_answer(title: str, error: Exception) -> Problem:
    """A Problem for a peer that cannot be reached, or that does not speak as it should."""
    told = error.os_error.strerror if isinstance(error, aiohttp.ClientConnectorError) else None
    return Problem(None, "no_answer", title, told or str(error) or type(error).__name__)


async def _problem(response: aiohttp.ClientResponse) -> Problem:
    if response.content_type != "application/problem+json":
        said = (await response.text(errors="replace"))[:200]
        return Problem(response.status, "not_airlock", f"HTTP {response.status}: this is not an Airlock service?", said)
    told = await response.json()
    return Problem(
        response.status,
        told.get("code", ""),
        told.get("title", ""),
        told.get("detail", ""),
        told.get("field"),
        tuple(told.get("errors", ())),
        response.headers.get("Retry-After"),
    )
