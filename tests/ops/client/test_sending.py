"""ops.client.sending: the form for S3, from a file that is read in chunks."""

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import BodyPartReader, web

from ops.client import sending
from ops.client.api import RequestError

Serve = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]


@pytest.fixture
def serve(aiohttp_server: Callable[[web.Application], Awaitable[object]]) -> Serve:
    async def start(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> str:
        application = web.Application(client_max_size=8 * 1024**2)
        application.router.add_post("/", handler)
        server = await aiohttp_server(application)
        return str(server.make_url("/"))  # type: ignore[attr-defined]

    return start


async def test_the_form_has_a_length_and_the_file_comes_last(serve: Serve, tmp_path: Path) -> None:
    parts: list[tuple[str | None, bytes]] = []

    async def s3(request: web.Request) -> web.Response:
        assert request.content_length is not None
        assert "Transfer-Encoding" not in request.headers
        reader = await request.multipart()
        while isinstance(part := await reader.next(), BodyPartReader):
            parts.append((part.name, bytes(await part.read())))
        return web.Response(status=204)

    file, lengths = tmp_path / "a.bin", list[int]()
    file.write_bytes(bytes(range(256)) * 4096)
    await sending.send({"url": await serve(s3), "fields": {"key": "k", "x-amz-meta-note": "ü"}}, file, lengths.append)
    assert parts == [("key", b"k"), ("x-amz-meta-note", "ü".encode()), ("file", file.read_bytes())]
    assert sum(lengths) == file.stat().st_size
    assert max(lengths) <= 1024 * 1024


async def test_an_empty_file_is_sent(serve: Serve, tmp_path: Path) -> None:
    async def s3(request: web.Request) -> web.Response:
        assert b'name="file"' in await request.content.read()
        return web.Response(status=204)

    (tmp_path / "empty").touch()
    await sending.send({"url": await serve(s3), "fields": {}}, tmp_path / "empty", lambda _: None)


async def test_a_refusal_has_the_code_and_message_of_s3(serve: Serve, tmp_path: Path) -> None:
    async def s3(request: web.Request) -> web.Response:
        await request.content.read()
        body = "<Error><Code>EntityTooLarge</Code><Message>Your proposed upload is too large</Message></Error>"
        return web.Response(status=400, text=body, content_type="application/xml")

    (tmp_path / "a").write_text("a")
    with pytest.raises(RequestError, match="Your proposed upload is too large") as caught:
        await sending.send({"url": await serve(s3), "fields": {}}, tmp_path / "a", lambda _: None)
    assert caught.value.code == "s3:EntityTooLarge"


async def test_a_redirect_is_a_refusal(serve: Serve, tmp_path: Path) -> None:
    async def s3(request: web.Request) -> web.Response:
        await request.content.read()
        return web.Response(status=307, headers={"Location": "http://127.0.0.1:9/"})

    (tmp_path / "a").write_text("a")
    with pytest.raises(RequestError) as caught:
        await sending.send({"url": await serve(s3), "fields": {}}, tmp_path / "a", lambda _: None)
    assert caught.value.code == "s3:307"


async def test_a_server_that_cannot_be_reached_is_an_error_without_status(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    with pytest.raises(RequestError) as caught:
        await sending.send({"url": "http://127.0.0.1:9/", "fields": {}}, tmp_path / "a", lambda _: None)
    assert (caught.value.code, caught.value.status) == ("no_answer", None)


async def test_the_checksum_is_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"bytes")
    assert await sending.sha256(tmp_path / "a") == hashlib.sha256(b"bytes").hexdigest()
