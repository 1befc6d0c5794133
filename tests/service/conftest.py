"""A served application over twins, and the callers and tokens that it knows."""

import hashlib
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson
import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import SecretStr

from airlock.profiles import Profiles
from service.app import make_app
from service.app_keys import LIVE
from service.identity.callers import Callers, OidcTokens
from service.identity.tokens import StaticTokens
from service.ports import Ports
from service.server import serving
from service.settings import Settings, load_profiles
from tests.service.twins import Keyring, Ledger, Mailbox, Presigner, Purse, Table, Time

ROOT = Path(__file__).parent.parent.parent
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
    """The tokens of all owners; `limited` may use the profile avatar alone, `backend` mints sessions for user-*."""
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
    }
    # Not validated: the tokens' file is for main() to load, and here the callers are passed in.
    return Settings.model_construct(**{**Settings.model_construct().model_dump(), **values, **changes})


@dataclass
class Answer:
    """One answer, read to its end."""

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
class Service:
    """A service that really listens, everything that it depends on, and what it logged."""

    settings: Settings
    profiles: Profiles
    time: Time = field(default_factory=Time)
    keyring: Keyring = field(default_factory=Keyring)
    table: Table = field(default_factory=Table)
    purse: Purse = field(default_factory=Purse)
    presigner: Presigner = field(default_factory=Presigner)
    mailbox: Mailbox = field(default_factory=Mailbox)
    ledger: Ledger = field(default_factory=Ledger)
    oidc: OidcTokens | None = None
    lines: list[bytes] = field(default_factory=list)
    url: str = ""

    def make(self) -> web.Application:
        ports = Ports(
            self.keyring,
            self.table,
            self.purse,
            self.presigner,
            self.mailbox,
            self.ledger,
            self.time.now,
            self.time.sleep,
            os.urandom,
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
        """One request as `owner`; nobody for None."""
        return await ask(self.http, method, self.url + path, owner, **more)

    async def create(self, *, owner: str | None = "shop", **fields: Any) -> Any:
        """The answer to a new upload that has to succeed."""
        answer = await self.ask("POST", "/v1/uploads", owner=owner, json={"filename": "photo.png", **fields})
        assert answer.status == 201, answer.body
        return answer.json

    @property
    def live(self) -> Any:
        return self.app[LIVE]


@pytest.fixture
def profiles() -> Profiles:
    return load_profiles(ROOT / "airlock.toml")


@pytest_asyncio.fixture
async def service(profiles: Profiles) -> AsyncIterator[Service]:
    """A service in mode production over twins."""
    async with Service(settings(), profiles) as running:
        yield running
