"""The service harness: the real application on a free port over fakes, and the callers and tokens that it knows."""

import hashlib
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson
from aiohttp import web
from pydantic import SecretStr

from airlock.profiles import Profiles
from aws.dependencies import Dependencies
from service.app import make_app
from service.app_keys import LONG_POLLER
from service.identity.callers import Callers, OidcTokens
from service.identity.tokens import StaticTokens
from service.ports import Ports
from service.server import serving
from service.settings import Settings
from tests.deployment import ROOT
from tests.fake_queue import FakeQueue
from tests.service.fakes import (
    FakeClock,
    FakeCounters,
    FakeCredentials,
    FakeObjects,
    FakeRecords,
    FakeSessions,
)

SECRET = "first-secret-" + "0" * 32
TOKENS = {
    "shop": "token-of-the-shop",
    "press": "token-of-the-press",
    "limited": "token-for-avatars-only",
    "backend": "token-of-a-back-end",
}
MORE = {
    "limited": 'profiles = ["ava*"]\n',
    "backend": 'tenant = "acme"\nscopes = ["uploads:write"]\nsessions_for = ["user-*"]\n',
}


def tokens_file() -> str:
    """The tokens of all owners; `limited` may use the profile avatar alone, `backend` creates sessions for user-*."""
    rows = []
    for owner, token in TOKENS.items():
        digest = hashlib.sha256(token.encode()).hexdigest()
        rows.append(f'[[tokens]]\nowner = "{owner}"\nsha256 = "{digest}"\n{MORE.get(owner, "")}')
    return "\n".join(rows)


def settings(**changes: Any) -> Settings:
    """Settings for a service in mode production on a free port."""
    values = {
        "region": "eu-central-1",
        "incoming_bucket": "incoming-test",
        "accepted_bucket": "accepted-test",
        "quarantine_bucket": "quarantine-test",
        "profiles": ROOT / "airlock.toml",
        "secrets": [SecretStr(SECRET)],
        "port": 0,
        "drain_seconds": 5,
        "unready_seconds": 0,
    }
    # Not validated: main() loads the tokens file, and here the callers are passed in.
    return Settings.model_construct(**{**Settings.model_construct().model_dump(), **values, **changes})


@dataclass
class Answer:
    """One response, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


async def ask(http: aiohttp.ClientSession, method: str, url: str, owner: str | None, **more: Any) -> Answer:
    """One request with the token of `owner`, or with none."""
    headers = {**({"Authorization": f"Bearer {TOKENS[owner]}"} if owner else {}), **more.pop("headers", {})}
    async with http.request(method, url, headers=headers, allow_redirects=False, **more) as response:
        return Answer(response.status, response.headers, await response.read())


@dataclass
class ServiceHarness:
    """A service that listens on a free port, the fakes behind its ports, and the lines that it logged."""

    settings: Settings
    profiles: Profiles
    clock: FakeClock = field(default_factory=FakeClock)
    credentials: FakeCredentials = field(default_factory=FakeCredentials)
    records: FakeRecords = field(default_factory=FakeRecords)
    sessions: FakeSessions = field(default_factory=FakeSessions)
    objects: FakeObjects = field(default_factory=FakeObjects)
    queue: FakeQueue = field(default_factory=FakeQueue)
    counters: FakeCounters = field(default_factory=FakeCounters)
    oidc: OidcTokens | None = None
    lines: list[bytes] = field(default_factory=list)
    url: str = ""

    def __post_init__(self) -> None:
        self.dependencies = Dependencies({"table": self.records.ping})

    def make(self) -> web.Application:
        ports = Ports(
            self.credentials,
            self.records,
            self.sessions,
            self.objects,
            self.queue,
            self.counters,
            self.dependencies,
            self.clock.now,
            self.clock.sleep,
            os.urandom,
            self.settings.s3_url or f"https://s3.{self.settings.region}.amazonaws.com",
        )
        self.app = make_app(self.settings, self.profiles, Callers(StaticTokens.load(tokens_file()), self.oidc), ports)
        return self.app

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        self.url = await self._stack.enter_async_context(serving(self.make(), self.lines.append))
        self.http = await self._stack.enter_async_context(aiohttp.ClientSession(auto_decompress=False))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def ask(self, method: str, path: str, *, owner: str | None = "shop", **more: Any) -> Answer:
        """One request with the token of `owner`, or with none."""
        return await ask(self.http, method, self.url + path, owner, **more)

    async def create(self, *, owner: str | None = "shop", **fields: Any) -> Any:
        """The response to a new upload; fails unless it is 201."""
        answer = await self.ask("POST", "/v1/uploads", owner=owner, json={"filename": "photo.png", **fields})
        assert answer.status == 201, answer.body
        return answer.json

    @property
    def live(self) -> Any:
        return self.app[LONG_POLLER]
