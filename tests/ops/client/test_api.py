"""ops.client.api: what it sends, what errors say, and when a call is repeated."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from airlock.backoff import Backoff
from ops.client import api
from ops.client.api import RequestError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Handler], Awaitable[str]]


@pytest.fixture
def serve(aiohttp_server: Callable[[web.Application], Awaitable[Any]], monkeypatch: pytest.MonkeyPatch) -> Serve:
    monkeypatch.setattr(api, "BACKOFF", Backoff(first=0, longest=0))

    async def start(handler: Handler) -> str:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handler)
        return str((await aiohttp_server(application)).make_url("/"))

    return start


def problem(status: int, **members: Any) -> web.Response:
    headers = {"Retry-After": str(members.pop("retry_after"))} if "retry_after" in members else None
    return web.json_response(members, status=status, content_type="application/problem+json", headers=headers)


async def test_the_token_is_sent(serve: Serve) -> None:
    async def service(request: web.Request) -> web.Response:
        return web.json_response({"said": request.headers["Authorization"]})

    async with api.connect(await serve(service), "t0k") as client:
        assert await client.get("x") == {"said": "Bearer t0k"}


async def test_an_error_has_title_detail_and_every_field(serve: Serve) -> None:
    async def service(request: web.Request) -> web.Response:
        errors = [{"field": "size", "detail": "must be at least 0"}, {"field": "sha256", "detail": "must be hex"}]
        return problem(400, code="invalid_fields", title="Fields break rules.", detail="Two.", errors=errors)

    async with api.connect(await serve(service), None) as client:
        with pytest.raises(RequestError) as caught:
            await client.create({})
    expected = "Fields break rules.\n  Two.\n  size: must be at least 0\n  sha256: must be hex"
    assert str(caught.value) == expected


async def test_an_error_repeats_no_sentence(serve: Serve) -> None:
    async def service(request: web.Request) -> web.Response:
        errors = [{"field": "size", "detail": "size is 0"}]
        return problem(400, code="size_too_small", title="Too small.", detail="size is 0", field="size", errors=errors)

    async with api.connect(await serve(service), None) as client:
        with pytest.raises(RequestError) as caught:
            await client.create({})
    assert str(caught.value) == "Too small.\n  size is 0\n  field: size"


async def test_an_id_is_one_segment_of_the_path(serve: Serve) -> None:
    async def service(request: web.Request) -> web.Response:
        return web.json_response({"asked": request.raw_path})

    async with api.connect(await serve(service), None) as client:
        assert await client.get("../a?b") == {"asked": "/v1/uploads/..%2Fa%3Fb"}


async def test_an_error_says_when_to_try_again(serve: Serve) -> None:
    async def service(request: web.Request) -> web.Response:
        return problem(429, code="too_many_requests", title="Too many requests.", field="x", retry_after=7)

    async with api.connect(await serve(service), None) as client:
        with pytest.raises(RequestError) as caught:
            await client.create({})
    assert str(caught.value) == "Too many requests.\n  field: x\n  try again in 7 s"
    assert caught.value.to_json()["retry_after"] == "7"


async def test_an_error_of_another_server_says_so(serve: Serve) -> None:
    async def service(request: web.Request) -> web.Response:
        return web.Response(status=502, text="<h1>Bad gateway</h1>")

    async with api.connect(await serve(service), None) as client:
        with pytest.raises(RequestError, match="not from an Airlock service"):
            await client.get("x")


async def test_a_body_that_is_not_json_is_no_valid_response(serve: Serve) -> None:
    async def service(request: web.Request) -> web.Response:
        return web.Response(text="{", content_type="application/json")

    async with api.connect(await serve(service), None) as client:
        with pytest.raises(RequestError, match="no valid response"):
            await client.get("x")


async def test_an_upload_is_followed_while_the_service_is_unavailable_for_a_moment(serve: Serve) -> None:
    answers = ["awaiting_upload", None, "inspecting", None, None, "accepted"]
    asked: list[str] = []

    async def service(request: web.Request) -> web.Response:
        asked.append(request.query["state"])
        state = answers.pop(0)
        if state is None:
            return problem(503, code="dependency_unavailable", title="A dependency is unavailable.", detail="")
        return web.json_response({"id": "x", "state": state})

    states: list[str] = []
    async with api.connect(await serve(service), None) as client:
        upload = await client.follow({"id": "x", "state": "awaiting_upload"}, states.append)
    assert upload["state"] == "accepted"
    assert states == ["inspecting", "accepted"]
    assert asked == ["awaiting_upload"] * 3 + ["inspecting"] * 3


async def test_attempts_are_limited(serve: Serve) -> None:
    asked: list[str] = []

    async def service(request: web.Request) -> web.Response:
        asked.append(request.path)
        return problem(503, code="dependency_unavailable", title="A dependency is unavailable.", detail="")

    async with api.connect(await serve(service), None) as client:
        with pytest.raises(RequestError, match="A dependency is unavailable"):
            await client.follow({"id": "x", "state": "inspecting"})
    assert len(asked) == api.ATTEMPTS


async def test_a_refusal_is_not_repeated(serve: Serve) -> None:
    asked: list[str] = []

    async def service(request: web.Request) -> web.Response:
        asked.append(request.path)
        return problem(404, code="upload_not_found", title="Upload not found.")

    async with api.connect(await serve(service), None) as client:
        with pytest.raises(RequestError, match="Upload not found"):
            await client.follow({"id": "x", "state": "inspecting"})
    assert len(asked) == 1
