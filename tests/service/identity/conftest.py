"""Token verifiers: one with keys in memory, and one that fetches keys from a provider."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from service.identity.oidc.claims import Trust
from service.identity.oidc.fetching import Document
from service.identity.oidc.provider import Provider
from service.identity.oidc.tokens import OidcVerifier
from service.ports import RandomBytes
from tests.service.fakes import FakeClock
from tests.service.identity.provider import AUDIENCE, FIRST, OpenIdProvider, keys_document

ISSUER = "https://login.example.com/tenant"


def trust(issuer: str = ISSUER, **changes: Any) -> Trust:
    usual = {"audience": frozenset({AUDIENCE}), "algorithms": frozenset({"RS256", "ES256"})}
    return Trust(**{"issuer": issuer, "jwks_url": ISSUER + "/keys", **usual, **changes})


@asynccontextmanager
async def verifier(*keys: Any, clock: FakeClock | None = None, **changes: Any) -> AsyncIterator[OidcVerifier]:
    """A verifier that already holds these keys."""
    clock = clock or FakeClock()
    document = Document(keys_document(*keys or (FIRST,)), None)

    async def fetch(_: str) -> Document:
        return document

    believed = trust(**changes)
    provider = Provider(believed.issuer, believed.jwks_url, fetch, now=clock.now, sleep=clock.sleep, random=os.urandom)
    async with provider:
        await provider.refresh_soon()
        yield OidcVerifier(believed, provider, now=clock.now)


@pytest_asyncio.fixture
async def openid() -> AsyncIterator[OpenIdProvider]:
    async with OpenIdProvider() as provider:
        yield provider


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@asynccontextmanager
async def opened(
    openid: OpenIdProvider, clock: FakeClock, *, random: RandomBytes = os.urandom, **changes: Any
) -> AsyncIterator[OidcVerifier]:
    """A verifier for the tokens of `openid`, opened as `python -m service` does."""
    believed = trust(openid.issuer, **{"jwks_url": None, **changes})
    async with OidcVerifier.open(believed, now=clock.now, sleep=clock.sleep, random=random) as oidc:
        yield oidc
