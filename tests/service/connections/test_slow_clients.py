"""Clients that take too long, or send too much: each ends within its limit, and the others do not notice."""

import asyncio
import io
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from airlock.profiles import Profiles
from service.connections.settings import ConnectionSettings
from tests.service.connections.client import AUTHORIZATION, GET, PATIENCE, POST, connected, passes
from tests.service.harness import ServiceHarness, settings

LIMITS = {name: field.default for name, field in ConnectionSettings.model_fields.items()}
BODY = b'{"filename": "a.png"}'


@pytest_asyncio.fixture
async def impatient(profiles: Profiles) -> AsyncIterator[ServiceHarness]:
    """A service that waits no time for a body."""
    async with ServiceHarness(settings(body_seconds=0.01), profiles) as running:
        yield running


@pytest.mark.parametrize(
    "part",
    [b"G", b"GET /healthz HT", GET, GET + b"A: b", GET + b"A: b\r\n", b"POST / HTTP/1.1\r\nContent-Length: 5\r\n"],
)
async def test_a_header_that_does_not_end_is_a_timeout(service: ServiceHarness, part: bytes) -> None:
    async with connected(service) as client:
        await client.send(part)
        await passes(service, LIMITS["header_seconds"])
        answer = await client.response()
        assert (answer.status, answer.document["code"]) == (408, "request_timeout")
        assert await client.rest() == b""


async def test_a_byte_each_second_does_not_keep_a_header_open(service: ServiceHarness) -> None:
    async with connected(service) as client:
        for byte in (GET + b"A: " + b"x" * 100)[: int(LIMITS["header_seconds"])]:
            await client.send(bytes([byte]))
            await passes(service, 1)
        assert (await client.response()).status == 408


async def test_the_header_of_a_later_request_has_as_long(service: ServiceHarness) -> None:
    async with connected(service) as client:
        assert await client.is_answered()
        await passes(service, LIMITS["header_seconds"] + 1)
        assert await client.is_answered()
        await client.send(GET)
        await passes(service, LIMITS["header_seconds"])
        assert (await client.response()).status == 408


@pytest.mark.parametrize("speaks", [False, True])
async def test_a_connection_without_a_request_is_closed_after_a_load_balancer_would(
    service: ServiceHarness, speaks: bool
) -> None:
    async with connected(service) as client:
        if speaks:
            assert await client.is_answered()
        await passes(service, 61)
        assert not client.reader.at_eof()
        await passes(service, LIMITS["keep_alive_seconds"] - 61)
        assert await client.rest() == b""


@pytest.mark.parametrize(
    "head",
    [
        POST + b"Content-Length: 100\r\n\r\n{",
        POST + b"Transfer-Encoding: chunked\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
        POST + b"Transfer-Encoding: chunked\r\n\r\n5;" + b"a=b;" * 100,
        POST.replace(b"uploads", b"sessions") + b"Content-Length: 100\r\n\r\n",
    ],
)
async def test_a_body_that_does_not_come_is_a_timeout(impatient: ServiceHarness, head: bytes) -> None:
    async with connected(impatient) as client:
        await client.send(head)
        answer = await client.response()
        assert (answer.status, answer.document["code"]) == (408, "request_timeout")
        assert answer.headers["connection"] == "close"


async def test_a_body_in_time_is_read_however_it_is_cut(service: ServiceHarness) -> None:
    async with connected(service) as client:
        await client.send(POST + b"Content-Length: %d\r\n\r\n" % len(BODY))
        for byte in BODY:
            await client.send(bytes([byte]))
            await service.ask("GET", "/healthz")
        assert (await client.response()).status == 201
        assert await client.is_answered()


async def test_a_chunk_without_end_is_too_large(service: ServiceHarness) -> None:
    async with connected(service) as client:
        await client.send(POST + b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n" + b" " * 100_000)
        assert (await client.response()).status == 413


async def test_a_large_body_is_told_to_be_too_large(service: ServiceHarness) -> None:
    assert (await service.ask("POST", "/v1/uploads", data=io.BytesIO(b" " * 3_000_000))).status == 413


async def test_a_client_that_does_not_read_is_cut_off(service: ServiceHarness) -> None:
    async with connected(service) as client, asyncio.timeout(PATIENCE):
        client.writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 10_000)
        answered = -2
        while len(service.lines) > answered + 1:  # until only the request of `passes` is answered
            answered = len(service.lines)
            await passes(service, 0)
        await passes(service, LIMITS["response_seconds"])
        await client.rest()


@pytest.mark.parametrize(
    "head",
    [
        GET + b"A: " + b"x" * 40_000 + b"\r\n\r\n",
        GET + b"a: b\r\n" * 200 + b"\r\n",
        b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"".join([GET, *(b"a%d: " % number + b"x" * 30_000 + b"\r\n" for number in range(100))]),
        b"what is this secret\r\n\r\n",
        GET + b"Authorization secret\r\n\r\n",
        GET + b"Secret: a\x00b\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01secret\r\n\r\n",
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nsecret",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        GET + b"Expect: secret\r\n\r\n",
    ],
    ids=["long", "many", "line", "large", "text", "colon", "null", "http2", "tls", "smuggled", "asterisk", "expect"],
)
async def test_what_is_no_request_is_told_nothing_of_us_or_of_itself(service: ServiceHarness, head: bytes) -> None:
    async with connected(service) as client:
        await client.send(head)
        answer = await client.response()
        said = f"{answer.headers} {answer.document}".lower()
        assert (answer.status, answer.document["code"]) == (400, "bad_request")
        assert answer.headers["content-type"] == "application/problem+json"
        assert not [word for word in ("aiohttp", "python", "secret", "xxx") if word in said]
        assert await client.rest() == b""


async def test_no_response_names_a_version(service: ServiceHarness) -> None:
    async with connected(service) as client:
        for path in ("/healthz", "/docs", "/nothing", "/v1/uploads"):
            await client.send(f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            head = (await client.reader.readuntil(b"\r\n\r\n")).lower()
            assert b"server: airlock\r\n" in head
            assert b"aiohttp" not in head


async def test_a_large_header_behind_a_request_that_waits_is_not_held(service: ServiceHarness) -> None:
    upload = (await service.create())["id"]
    async with connected(service) as client:
        await client.send(f"GET /v1/uploads/{upload}?wait=60 HTTP/1.1\r\nHost: x\r\n".encode() + AUTHORIZATION)
        await client.send(b"\r\n" + GET)
        await service.clock.asleep(3)
        for number in range(10):
            await client.send(b"a%d: " % number + b"x" * 30_000 + b"\r\n")
            await service.ask("GET", "/healthz")
        assert (await client.response()).status == 400
        assert await client.rest() == b""
