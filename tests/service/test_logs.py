"""One JSON line for each request, and no secret in any of them."""

import asyncio
import io
import logging
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from service import logs
from tests.service.harness import TOKENS, ServiceHarness
from tests.service.uploads.test_handlers import accepted


async def test_each_request_is_one_line(service: ServiceHarness) -> None:
    created = await service.create()
    await service.ask("GET", created["links"]["self"] + "?wait=", headers={"X-Request-Id": "mine"})
    first, second = (orjson.loads(line) for line in service.lines)
    assert (first["method"], first["route"], first["status"]) == ("POST", "/v1/uploads", 201)
    assert (first["owner"], first["upload"]) == ("shop", created["id"])
    assert first["bytes"] > 1000
    assert first["ms"] >= 0
    assert (second["route"], second["status"], second["request_id"]) == ("/v1/uploads/{id}", 400, "mine")
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in service.lines)


async def test_a_request_without_an_owner_is_logged_too(service: ServiceHarness) -> None:
    await service.ask("POST", "/v1/uploads", owner=None)
    await service.ask("GET", "/secret-path?token=secret")
    refused, lost = (orjson.loads(line) for line in service.lines)
    assert (refused["status"], refused["owner"], refused["upload"]) == (401, None, None)
    assert (lost["status"], lost["route"]) == (404, None)


async def test_what_is_no_http_is_answered_and_logged(service: ServiceHarness) -> None:
    at = urlsplit(service.url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    writer.write(b"GET / HTTP/1.1\r\nAuthorization: Bearer secret\x00\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 400")
    writer.close()
    assert orjson.loads(service.lines[0])["status"] == 400


async def test_no_line_holds_a_secret(service: ServiceHarness, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    created = await service.create(filename="private-name.png", metadata={"note": "private-note"})
    service.records.put(accepted(created["id"], filename="private-name.png"))
    await service.ask("GET", "/api/get-presigned-policy?filename=private-name.png")
    await service.ask("GET", created["links"]["content"])
    await service.ask("DELETE", created["links"]["self"])
    await service.ask("POST", "/v1/uploads", data=b'{"filename": "private-name')
    service.records.error = RuntimeError("broken")
    await service.ask("GET", created["links"]["self"])
    fields = created["upload"]["fields"]
    logged = b"".join(service.lines).decode() + caplog.text
    for secret in (*TOKENS.values(), fields["policy"], fields["x-amz-signature"], "private-", "versionId"):
        assert secret not in logged


@pytest.fixture
def _own_logging() -> Iterator[None]:
    root, levels = logging.getLogger(), {}
    for name in ("aiohttp.server", "aiobotocore"):
        levels[name] = logging.getLogger(name).level
    before, level = root.handlers[:], root.level
    root.handlers[:] = []
    yield
    root.handlers[:] = before
    root.setLevel(level)
    for name, each in levels.items():
        logging.getLogger(name).setLevel(each)


@pytest.mark.usefixtures("_own_logging")
def test_whatever_is_logged_is_a_json_line() -> None:
    stream = io.StringIO()
    logs.configure(stream)
    logging.getLogger("service.test").info("listening", extra={"url": "http://127.0.0.1:1"})
    logging.getLogger("service.test").error("it broke", exc_info=ValueError("why"))
    first, second = (orjson.loads(line) for line in stream.getvalue().splitlines())
    assert (first["level"], first["logger"], first["message"]) == ("INFO", "service.test", "listening")
    assert first["url"] == "http://127.0.0.1:1"
    assert re.match(r"\d{4}-\d\d-\d\dT", first["timestamp"])
    assert "ValueError: why" in second["exc_info"]


@pytest.mark.usefixtures("_own_logging")
def test_what_quotes_a_broken_request_is_not_logged() -> None:
    """aiohttp logs the bytes that it could not parse, and these can hold a token."""
    stream = io.StringIO()
    logs.configure(stream)
    logging.getLogger("aiohttp.server").error("Error handling request", exc_info=ValueError("Bearer secret"))
    assert stream.getvalue() == ""


async def test_lines_of_one_turn_are_written_together() -> None:
    class Stream(io.BytesIO):
        written: list[bytes]

        def write(self, data: Any, /) -> int:
            self.written.append(bytes(data))
            return len(data)

    stream = Stream()
    stream.written = []
    lines = logs.BatchedWriter(stream)
    lines.write(b"a\n")
    lines.write(b"b\n")
    assert stream.written == []
    await asyncio.sleep(0)
    lines.write(b"c\n")
    await asyncio.sleep(0)
    assert stream.written == [b"a\nb\n", b"c\n"]
