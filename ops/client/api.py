"""The calls of the service's HTTP API that the command line makes."""

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
from aws import egress

DEFAULT_URL = "http://127.0.0.1:8080"
LONG_POLL_SECONDS = 20
ATTEMPTS = 5
BACKOFF = Backoff(first=1.0, longest=8.0)
# No response at all, a quota that refills, and what proxies and services say for a moment.
TEMPORARY = (None, 429, 502, 503, 504)

UploadDocument = dict[str, Any]
"""An upload, as `GET /v1/uploads/{id}` returns it."""


@dataclass(eq=False)
class RequestError(AirlockError):
    """A request to the service or to S3 failed: its RFC 9457 problem details, or other failures in the same shape.

    `status` is the HTTP status, None where there was no response. `retry_after` is in seconds.
    """

    status: int | None
    code: str
    title: str
    detail: str = ""
    field: str | None = None
    errors: tuple[dict[str, Any], ...] = ()
    retry_after: str | None = None

    def __str__(self) -> str:
        lines = [self.title, *([f"  {self.detail}"] if self.detail else [])]
        others = [error for error in self.errors if error.get("detail") != self.detail]
        lines += [f"  {error.get('field')}: {error.get('detail')}" for error in others]
        if self.field and not others:
            lines.append(f"  field: {self.field}")
        if self.retry_after:
            lines.append(f"  try again in {self.retry_after} s")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The members that are not empty."""
        members = {**vars(self), "errors": list(self.errors)}
        return {key: value for key, value in members.items() if value}


class ServiceClient:
    """Calls the service at `url` over `session`, which holds the token. Every method raises RequestError."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self.url = url

    async def create(self, request: dict[str, Any]) -> UploadDocument:
        """`POST /v1/uploads`: the upload, with its policy under `upload`."""
        return await self._call("POST", "/v1/uploads", json=request)

    async def get(self, upload_id: str, *, until_not: str | None = None) -> UploadDocument:
        """The upload; with `until_not`, by long polling: as soon as it is not in that state, or after some seconds."""
        query = {"wait": str(LONG_POLL_SECONDS), "state": until_not} if until_not else {}
        return await self._call("GET", f"/v1/uploads/{quote(upload_id, safe='')}", params=query)

    async def withdraw(self, upload_id: str) -> UploadDocument:
        """`DELETE /v1/uploads/{id}`: withdraws the upload, in every place."""
        return await self._call("DELETE", f"/v1/uploads/{quote(upload_id, safe='')}")

    async def follow(
        self, upload: UploadDocument, on_state: Callable[[str], object] = lambda _: None
    ) -> UploadDocument:
        """The upload in its final state. Calls `on_state` with each new state.

        Temporary failures are retried.
        """
        while State(upload["state"]) not in TERMINAL:
            before, upload = upload, await self._poll(upload["id"], upload["state"])
            if upload["state"] != before["state"]:
                on_state(upload["state"])
        return upload

    async def _poll(self, upload_id: str, state: str) -> UploadDocument:
        for failures in range(1, ATTEMPTS):
            try:
                return await self.get(upload_id, until_not=state)
            except RequestError as error:
                if error.status not in TEMPORARY:
                    raise
            await asyncio.sleep(BACKOFF.most(failures))
        return await self.get(upload_id, until_not=state)

    async def _call(self, method: str, path: str, **options: Any) -> UploadDocument:
        try:
            proxy = egress.proxy(self.url)
            async with self._session.request(method, self.url + path, proxy=proxy, **options) as response:
                if response.ok:
                    document: UploadDocument = await response.json()
                    return document
                raise await _refusal(response)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise no_response(f"The service at {self.url} gave no valid response.", error) from error


@asynccontextmanager
async def connect(url: str, token: str | None) -> AsyncIterator[ServiceClient]:
    """A client of the service at `url`, open for as long as the context lasts."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=LONG_POLL_SECONDS + 15)
    connector = aiohttp.TCPConnector(ssl=egress.authorities())
    async with aiohttp.ClientSession(headers=headers, timeout=timeout, connector=connector) as session:
        yield ServiceClient(session, url.rstrip("/"))


def no_response(title: str, error: Exception) -> RequestError:
    """The RequestError for a server that cannot be reached, or whose response is not valid HTTP or JSON."""
    reason = error.os_error.strerror if isinstance(error, aiohttp.ClientConnectorError) else None
    return RequestError(None, "no_answer", title, reason or str(error) or type(error).__name__)


async def _refusal(response: aiohttp.ClientResponse) -> RequestError:
    if response.content_type != "application/problem+json":
        body = (await response.text(errors="replace"))[:200]
        title = f"HTTP {response.status}, and not from an Airlock service: check the address."
        return RequestError(response.status, "not_airlock", title, body)
    problem = await response.json()
    return RequestError(
        response.status,
        problem.get("code", ""),
        problem.get("title", ""),
        problem.get("detail", ""),
        problem.get("field"),
        tuple(problem.get("errors", ())),
        response.headers.get("Retry-After"),
    )
