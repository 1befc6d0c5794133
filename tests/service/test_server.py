"""HTTP as clients really send it: old versions, bodies in pieces, pipelining, and requests during a shutdown."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from airlock.profiles import Profiles
from airlock.upload_session import Session
from tests.service.fakes import FakeSessions
from tests.service.harness import TOKENS, ServiceHarness, settings

BODY = b'{"filename": "a.png"}'


async def raw(service: ServiceHarness, head: str, body: bytes, *more: bytes) -> bytes:
    """What the service writes until it closes the connection."""
    at = urlsplit(service.url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    lines = [head, "Host: x", f"Authorization: Bearer {TOKENS['shop']}", f"Content-Length: {len(BODY)}"]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    for part in more:
        await writer.drain()
        writer.write(part)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


@pytest.mark.parametrize(
    "head",
    [
        "POST /v1/uploads HTTP/1.0",
        "POST /v1/uploads HTTP/1.0\r\nConnection: close",
        "POST /v1/uploads HTTP/1.1\r\nConnection: close",
    ],
)
async def test_a_connection_that_ends_gets_a_whole_answer(service: ServiceHarness, head: str) -> None:
    answer = await raw(service, head, BODY)
    top, _, body = answer.partition(b"\r\n\r\n")
    assert b" 201 Created" in top
    assert f"content-length: {len(body)}".encode() in top.lower()
    assert body.startswith(b'{"id"')


async def test_a_body_that_comes_in_pieces_is_read(service: ServiceHarness) -> None:
    answer = await raw(service, "POST /v1/uploads HTTP/1.1\r\nConnection: close", BODY[:5], BODY[5:])
    assert answer.startswith(b"HTTP/1.1 201")


async def test_a_body_in_chunks_is_read(service: ServiceHarness) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for byte in BODY:
            yield bytes([byte])

    assert (await service.ask("POST", "/v1/uploads", data=chunks())).status == 201


async def test_a_body_that_never_ends_is_no_failure_of_ours(service: ServiceHarness) -> None:
    at = urlsplit(service.url)
    _, writer = await asyncio.open_connection(at.hostname, at.port)
    writer.write(b"POST /v1/uploads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token-of-the-shop\r\n")
    writer.write(b"Content-Length: 100\r\n\r\n{")
    await writer.drain()
    await service.ask("GET", "/healthz")
    writer.close()
    await writer.wait_closed()
    assert (await service.ask("GET", "/healthz")).status == 200


async def test_broken_chunks_are_a_problem(service: ServiceHarness) -> None:
    at = urlsplit(service.url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    writer.write(b"POST /v1/uploads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token-of-the-shop\r\n")
    writer.write(b"Transfer-Encoding: chunked\r\n\r\nnot-a-size\r\n")
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))


async def test_the_headers_of_a_new_upload(service: ServiceHarness) -> None:
    answer = await service.ask("POST", "/v1/uploads", data=BODY, headers={"X-Request-Id": "mine"})
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Location"] == answer.json["links"]["self"]
    assert answer.headers["Date"].endswith("GMT")
    assert answer.headers["X-Request-Id"] == "mine"


@pytest.mark.parametrize("expected", ["100-continue", "something-else"])
async def test_an_expectation_is_met_or_refused(service: ServiceHarness, expected: str) -> None:
    answer = await raw(service, f"POST /v1/uploads HTTP/1.1\r\nConnection: close\r\nExpect: {expected}", BODY)
    assert b"HTTP/1.1 201" in answer or answer.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("path", ["/v1/uploads", "/v1/uploads?a=b", "/v1/%75ploads"])
async def test_an_address_may_be_written_in_any_equivalent_way(service: ServiceHarness, path: str) -> None:
    answer = await raw(service, f"POST {path} HTTP/1.1\r\nConnection: close", BODY)
    assert answer.startswith(b"HTTP/1.1 201")


async def test_an_address_with_a_slash_at_its_end_is_another_address(service: ServiceHarness) -> None:
    assert (await service.ask("POST", "/v1/uploads/", data=BODY)).status == 404


async def test_an_asterisk_is_no_address(service: ServiceHarness) -> None:
    at = urlsplit(service.url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    writer.write(b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400")


async def test_responses_on_one_connection_keep_their_order(service: ServiceHarness) -> None:
    at = urlsplit(service.url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    create, other = f"POST /v1/uploads HTTP/1.1\r\nContent-Length: {len(BODY)}\r\n", "GET /healthz HTTP/1.1\r\n"
    asked = [create, other, create, create, other, create, other + "Connection: close\r\n"]
    for number, head in enumerate(asked):
        more = f"Host: x\r\nAuthorization: Bearer {TOKENS['shop']}\r\nX-Request-Id: {number}\r\n\r\n"
        writer.write(f"{head}{more}".encode() + (BODY if head is create else b""))
    answers = (await asyncio.wait_for(reader.read(), 10)).decode()
    writer.close()
    assert re.findall(r"X-Request-Id: (\d+)", answers) == [str(number) for number in range(len(asked))]
    assert answers.count("HTTP/1.1 201 Created") == 4


async def test_what_is_no_request_is_answered_after_what_was(profiles: Profiles) -> None:
    sessions = SlowSessions()
    async with ServiceHarness(settings(), profiles, sessions=sessions) as service:
        minted = await service.ask("POST", "/v1/sessions", json={})
        at = urlsplit(service.url)
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
        # The first request waits, so that the others have arrived when it ends.
        for token in (minted.json["token"], TOKENS["shop"]):
            head = f"POST /v1/uploads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            writer.write(f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
        await sessions.asked.wait()
        writer.write(b"what is this\r\n\r\n")
        await service.ask("GET", "/healthz")  # when this has its response, the garbage has arrived
        sessions.pay.set()
        answers = await asyncio.wait_for(reader.read(), 10)
        writer.close()
    assert re.findall(rb"HTTP/1\.[01] (\d+)", answers) == [b"201", b"201", b"400"]


async def test_what_is_answered_while_the_service_stops_arrives_whole(profiles: Profiles) -> None:
    sessions = SlowSessions()
    service = ServiceHarness(settings(drain_seconds=5), profiles, sessions=sessions)
    await service.__aenter__()
    minted = await service.ask("POST", "/v1/sessions", json={})
    at = urlsplit(service.url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    head = f"POST /v1/uploads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {minted.json['token']}\r\n"
    writer.write(f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
    await sessions.asked.wait()
    leaving = asyncio.create_task(service.__aexit__(None, None, None))
    await _nobody_listens(at.hostname, at.port)
    sessions.pay.set()
    answer = await asyncio.wait_for(reader.read(), 10)
    await leaving
    writer.close()
    assert answer.startswith(b"HTTP/1.1 201")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["state"] == "awaiting_upload"


class SlowSessions(FakeSessions):
    """Sessions that are charged only once `pay` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.pay = asyncio.Event(), asyncio.Event()

    async def spend(self, session: Session, least: int, most: int) -> int | None:
        self.asked.set()
        await self.pay.wait()
        return await super().spend(session, least, most)


async def _nobody_listens(host: str | None, port: int | None) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            await asyncio.sleep(0.01)
