"""The way past the router answers as the router would."""

import asyncio
from urllib.parse import urlsplit

import pytest

from airlock.profiles import Profiles
from tests.service.conftest import TOKENS, Service, settings

PAGE = "https://app.example.com"
BODY = b'{"filename": "a.png"}'


@pytest.mark.parametrize("path", ["/v1/uploads", "/v1/uploads?a=b", "/v1/%75ploads"])
async def test_the_address_may_be_written_as_the_router_reads_it(service: Service, path: str) -> None:
    at = urlsplit(service.url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {TOKENS['shop']}\r\n"
    writer.write(f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 201 Created\r\n")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/uploads", 200), ("POST", "/v1/uploads/", 404)])
async def test_what_is_next_to_it_is_served_as_ever(service: Service, method: str, path: str, status: int) -> None:
    assert (await service.ask(method, path)).status == status


async def test_one_connection_takes_both_ways_in_turn(service: Service) -> None:
    for _ in range(2):
        created = await service.create()
        assert (await service.ask("GET", created["links"]["self"])).status == 200


async def test_a_configured_page_can_read_a_new_upload(profiles: Profiles) -> None:
    async with Service(settings(cors_origins=[PAGE]), profiles) as service:
        answer = await service.ask("POST", "/v1/uploads", data=BODY, headers={"Origin": PAGE, "X-Request-Id": "mine"})
    assert answer.status == 201
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert answer.headers["Vary"] == "Origin"
    assert answer.headers["X-Request-Id"] == "mine"
    assert answer.headers["Location"] == answer.json["links"]["self"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    assert answer.headers["Content-Type"] == "application/json"


async def test_both_ways_of_answering_tell_the_same_fields(service: Service) -> None:
    quick = await service.ask("POST", "/v1/uploads", data=BODY)
    general = await service.ask("POST", "/v1/uploads", data=BODY, headers={"Connection": "close"})
    assert {*general.headers} - {*quick.headers} <= {"Connection", "Server"}
    assert {*quick.headers} <= {*general.headers}
    same = ("Content-Type", "Cache-Control", "X-Content-Type-Options")
    assert [quick.headers[name] for name in same] == [general.headers[name] for name in same]
