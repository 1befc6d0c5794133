"""The program with an OpenID provider over TLS: real time, a real certificate, and no static token."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.certificates import certificate
from tests.service.identity.provider import AUDIENCE, SECOND, OpenIdProvider
from tests.service.test_main import environment, started

pytestmark = pytest.mark.server
__all__ = ["environment"]


@asynccontextmanager
async def asked(
    environment: dict[str, str], openid: OpenIdProvider
) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    """The program's address, once it listens. It accepts only tokens of `openid`."""
    more = {"AIRLOCK_OIDC_ISSUER": openid.issuer, "AIRLOCK_OIDC_AUDIENCE": AUDIENCE}
    alone = {name: value for name, value in environment.items() if name != "AIRLOCK_TOKENS"}
    async with started(alone | more) as process, aiohttp.ClientSession() as http:
        assert process.stdout
        while not (line := json.loads(await process.stdout.readline())).get("url"):
            assert line["logger"] == "service.identity.oidc.provider"
        yield line["url"], http
        process.terminate()
        assert await process.wait() == 0


async def status(http: aiohttp.ClientSession, url: str, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    async with http.post(f"{url}/v1/uploads", json={"filename": "a.png"}, headers=headers) as response:
        return response.status


async def test_it_believes_the_tokens_of_a_provider_whose_certificate_it_trusts(
    environment: dict[str, str], tmp_path: Path
) -> None:
    pem = certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    now = int(time.time())
    async with OpenIdProvider(tls=context) as openid:
        good, bad = openid.token(iat=now, exp=now + 600), openid.token(key=SECOND, iat=now, exp=now + 600)
        async with asked(environment | {"SSL_CERT_FILE": str(pem)}, openid) as (url, http), asyncio.timeout(30):
            assert await status(http, url, good) == 201
            assert await status(http, url, bad) == 401
        async with asked(environment, openid) as (url, http), asyncio.timeout(30):
            assert await status(http, url, good) == 503
            assert await status(http, url, "a.b.c") == 401
            assert await status(http, url, "static") == 401
