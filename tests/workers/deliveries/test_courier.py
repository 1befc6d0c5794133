"""One try: signed as the specification says, to the configured address only, and whatever fails is an answer."""

import asyncio
import ipaddress
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from aiohttp import web
from standardwebhooks.webhooks import Webhook as Verifier

from airlock.profiles import Webhook
from tests.workers.deliveries.receiver import SECRET, Receiver, receiving
from workers.deliveries.courier import Answer, Courier
from workers.deliveries.delivery import Delivery

EVENT = '{"specversion":"1.0","id":"e1","data":{"filename":"Grüße.pdf"}}'
HERE = [ipaddress.ip_network("127.0.0.0/8")]


def delivery(webhook: str = "billing") -> Delivery:
    return Delivery(webhook=webhook, event_id="e1", event=EVENT, since=0)


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest_asyncio.fixture
async def courier(receiver: Receiver) -> AsyncIterator[Courier]:
    async with Courier.open({"billing": Webhook(url=receiver.url)}, {"billing": [SECRET]}, HERE) as made:
        yield made


async def bring(courier: Courier) -> Answer:
    return await courier.bring(delivery(), time.time())


async def test_the_receiver_gets_the_event_as_it_is_with_a_signature_that_holds(
    receiver: Receiver, courier: Courier
) -> None:
    assert await bring(courier) == Answer(taken=True)
    assert receiver.took == [("e1", EVENT.encode())]


async def test_every_secret_signs_so_that_a_receiver_can_change_over(receiver: Receiver) -> None:
    older = "whsec_" + "A" * 32
    heads: list[dict[str, str]] = []

    def keep(request: web.Request) -> web.Response:
        heads.append(dict(request.headers))
        return web.Response()

    receiver.answer = keep
    async with Courier.open({"billing": Webhook(url=receiver.url)}, {"billing": [older, SECRET]}, HERE) as courier:
        assert (await bring(courier)).taken
    assert Verifier(older).verify(EVENT, heads[0])


@pytest.mark.parametrize("status", [400, 404, 500, 503])
async def test_a_refusal_is_told_with_what_the_receiver_said(receiver: Receiver, courier: Courier, status: int) -> None:
    receiver.answer = lambda _: web.Response(status=status, text="no\x1b[31m such\ncustomer" + "x" * 10_000)
    answer = await bring(courier)
    assert not answer.taken
    assert not answer.final
    assert answer.said.startswith(f"it answered {status}: no [31m such customerxxx")
    assert len(answer.said) < 600


async def test_a_receiver_that_is_gone_is_not_asked_again(receiver: Receiver, courier: Courier) -> None:
    receiver.answer = lambda _: web.Response(status=410)
    assert await bring(courier) == Answer(taken=False, said="it answered 410", final=True)


@pytest.mark.parametrize(("header", "asked"), [("120", 120), ("soon", 0), ("-1", 0), ("٣", 0)])
async def test_the_pause_that_a_receiver_asks_for_is_read(
    receiver: Receiver, courier: Courier, header: str, asked: float
) -> None:
    receiver.answer = lambda _: web.Response(status=429, headers={"Retry-After": header})
    assert (await bring(courier)).asked == asked


async def test_a_redirect_is_not_followed(receiver: Receiver, courier: Courier) -> None:
    receiver.answer = lambda request: web.Response(status=307, headers={"Location": str(request.url)})
    assert (await bring(courier)).said == "it answered 307"
    assert receiver.asked == 1


async def test_a_private_address_is_refused_unless_it_is_allowed(receiver: Receiver) -> None:
    port = receiver.url.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
        url = f"http://{host}:{port}"
        async with Courier.open({"billing": Webhook(url=url)}, {"billing": [SECRET]}, []) as courier:
            assert "a private address" in (await bring(courier)).said
    assert receiver.asked == 0


async def test_a_receiver_that_cannot_be_reached_is_told_without_its_address(unused_tcp_port: int) -> None:
    hooks = {"billing": Webhook(url=f"http://127.0.0.1:{unused_tcp_port}/hook?key=hidden")}
    async with Courier.open(hooks, {"billing": [SECRET]}, HERE) as courier:
        said = (await bring(courier)).said
    assert said.startswith("it could not be reached (")
    assert "hidden" not in said


async def test_a_webhook_that_was_removed_ends_its_deliveries(courier: Courier) -> None:
    answer = await courier.bring(delivery("gone"), 0)
    assert answer == Answer(taken=False, said="there is no webhook 'gone' any more", final=True)


async def test_a_slow_receiver_holds_up_nobody_else(receiver: Receiver, courier: Courier) -> None:
    held = asyncio.Event()
    async with AsyncExitStack() as stack:
        slow = await stack.enter_async_context(receiving())

        async def wait(_: web.Request) -> web.StreamResponse:
            await held.wait()
            return web.Response()

        slow.instead = wait
        hooks = {"slow": Webhook(url=slow.url), "billing": Webhook(url=receiver.url)}
        secrets = {"slow": [SECRET], "billing": [SECRET]}
        both = await stack.enter_async_context(Courier.open(hooks, secrets, HERE))
        first = asyncio.create_task(both.bring(delivery("slow"), time.time()))
        assert (await both.bring(delivery(), time.time())).taken
        assert not first.done()
        held.set()
        assert (await first).taken
