"""More connections and waiting requests than there may be: who gives way, and who is refused."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from airlock.profiles import Profiles
from service.connections import table
from service.connections.table import GRACE_SECONDS, REFUSED
from tests.service.connections.client import AUTHORIZATION, GET, POST, connected, passes
from tests.service.harness import ServiceHarness, settings

LIMIT = 6
LIMITS = {"connections": LIMIT, "waiting_requests": 3, "owner_waiting_requests": 2}
HALVES = {"silent": b"", "line": b"GET /he", "header": GET}


@pytest_asyncio.fixture
async def small(profiles: Profiles) -> AsyncIterator[ServiceHarness]:
    """A service that takes few connections and fewer waiting requests."""
    async with ServiceHarness(settings(**LIMITS), profiles) as running:
        yield running


async def long_poll(service: ServiceHarness, stack: AsyncExitStack, owner: str = "shop") -> asyncio.Task[object]:
    """A request that waits, on a connection of its own."""
    upload = (await service.create(owner=owner, profile="avatar"))["id"]
    polling = asyncio.create_task(service.ask("GET", f"/v1/uploads/{upload}?wait=60", owner=owner))
    stack.callback(polling.cancel)
    await asyncio.sleep(0)
    assert (await service.ask("GET", "/healthz")).status == 200
    return polling


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)
async def test_half_a_request_gives_way_to_whole_ones(small: ServiceHarness, half: bytes) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(5 * LIMIT):
            client = await stack.enter_async_context(connected(small))
            await client.send(half)
        await passes(small, GRACE_SECONDS)
        for _ in range(LIMIT):
            async with connected(small) as normal:
                assert await normal.is_answered()


async def test_what_gives_way_with_half_a_request_is_told_why(small: ServiceHarness) -> None:
    async with connected(small) as slow, AsyncExitStack() as stack:
        await slow.send(GET)
        await passes(small, GRACE_SECONDS)
        for _ in range(LIMIT):
            await stack.enter_async_context(connected(small))
        answer = await slow.response()
        assert (answer.status, answer.document["code"]) == (503, "too_many_connections")
        assert int(answer.headers["retry-after"]) > 0
        assert await slow.rest() == b""


async def test_new_connections_are_not_pushed_out_by_the_next_while_others_are_idle(small: ServiceHarness) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(2 * LIMIT):
            idle = await stack.enter_async_context(connected(small))
            assert await idle.is_answered()
        first = await stack.enter_async_context(connected(small))
        second = await stack.enter_async_context(connected(small))
        assert await first.is_answered()
        assert await second.is_answered()


async def test_where_every_connection_is_at_work_a_new_one_is_refused(profiles: Profiles) -> None:
    limits = {"connections": 3, "waiting_requests": 9, "owner_waiting_requests": 9}
    async with ServiceHarness(settings(**limits), profiles) as busy, AsyncExitStack() as stack:
        upload = (await busy.create())["id"]
        asked = f"GET /v1/uploads/{upload}?wait=60 HTTP/1.1\r\nHost: x\r\n".encode() + AUTHORIZATION + b"\r\n"
        working = [await stack.enter_async_context(connected(busy)) for _ in range(3)]
        for client in working:
            await client.send(asked)
        # Each long poll has a timer, beside the poller and the sweep of connections.
        await busy.clock.asleep(3 + 2)
        for _ in range(REFUSED):
            refused = await stack.enter_async_context(connected(busy))
            await refused.send(POST + b"Content-Length: 5\r\n\r\n")
            answer = await refused.response()
            assert (answer.status, answer.document["code"]) == (503, "too_many_connections")
            assert int(answer.headers["retry-after"]) > 0
        beyond = await stack.enter_async_context(connected(busy))
        assert await beyond.rest() == b""
        busy.clock.advance(60)
        assert {(await client.response()).status for client in working} == {200}


async def test_an_owner_has_its_share_of_waiting_requests_and_no_more(small: ServiceHarness) -> None:
    async with AsyncExitStack() as stack:
        polls = [await long_poll(small, stack) for _ in range(2)]
        upload = (await small.create())["id"]
        refused = await small.ask("GET", f"/v1/uploads/{upload}?wait=60")
        assert (refused.status, refused.json["code"]) == (503, "too_many_waiting")
        assert int(refused.headers["Retry-After"]) > 0
        assert (await small.ask("GET", f"/v1/uploads/{upload}")).status == 200
        polls.append(await long_poll(small, stack, "press"))
        other = (await small.create(owner="press"))["id"]
        assert (await small.ask("GET", f"/v1/uploads/{other}?wait=60", owner="press")).status == 503
        small.clock.advance(60)
        await asyncio.gather(*polls)
        free = await long_poll(small, stack)
        small.clock.advance(60)
        assert await free


async def test_a_body_that_is_waited_for_takes_a_place_too(small: ServiceHarness) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(2):
            slow = await stack.enter_async_context(connected(small))
            await slow.send(POST + b"Content-Length: 9\r\n\r\n{")
        await small.ask("GET", "/healthz")
        third = await stack.enter_async_context(connected(small))
        await third.send(POST + b"Content-Length: 9\r\n\r\n{")
        assert (await third.response()).document["code"] == "too_many_waiting"
        assert (await small.create())["id"]  # a body that comes with its header waits for nothing


async def test_what_clients_have_sent_in_part_is_limited_for_all_together(
    service: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "MAX_AHEAD_OF_ALL", 100_000)
    async with connected(service) as first, connected(service) as second:
        await first.send(GET + b"A: " + b"x" * 30_000)
        await passes(service, GRACE_SECONDS)
        await second.send(GET + b"A: " + b"x" * 30_000)
        await second.send(b"\r\nB: " + b"x" * 30_000)
        await service.ask("GET", "/healthz")
        await second.send(b"\r\nC: " + b"x" * 30_000)
        assert (await first.response()).status == 503
        await second.send(b"\r\n\r\n")
        assert (await second.response()).status == 200
