"""One attempt: signed as the specification says, to the configured address only; every failure is a result."""

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
from workers.deliveries.delivery import Delivery
from workers.deliveries.webhook_client import SendResult, WebhookClient

EVENT = '{"specversion":"1.0","id":"e1","data":{"filename":"Grüße.pdf"}}'
LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]


def delivery(webhook: str = "billing") -> Delivery:
    return Delivery(webhook=webhook, event_id="e1", event=EVENT, published_at=0)


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest_asyncio.fixture
async def client(receiver: Receiver) -> AsyncIterator[WebhookClient]:
    async with WebhookClient.open({"billing": Webhook(url=receiver.url)}, {"billing": [SECRET]}, LOOPBACK) as made:
        yield made


async def send(client: WebhookClient) -> SendResult:
    return await client.send(delivery(), time.time())


async def test_the_receiver_gets_the_event_unchanged_with_a_valid_signature(
    receiver: Receiver, client: WebhookClient
) -> None:
    assert await send(client) == SendResult(delivered=True)
    assert receiver.accepted == [("e1", EVENT.encode())]


async def test_every_secret_signs_so_that_a_receiver_can_change_its_secret(receiver: Receiver) -> None:
    older = "whsec_" + "A" * 32
    heads: list[dict[str, str]] = []

    def keep(request: web.Request) -> web.Response:
        heads.append(dict(request.headers))
        return web.Response()

    receiver.respond = keep
    hooks, secrets = {"billing": Webhook(url=receiver.url)}, {"billing": [older, SECRET]}
    async with WebhookClient.open(hooks, secrets, LOOPBACK) as client:
        assert (await send(client)).delivered
    assert Verifier(older).verify(EVENT, heads[0])


@pytest.mark.parametrize("status", [400, 404, 500, 503])
async def test_a_refusal_has_the_beginning_of_the_response_without_control_characters(
    receiver: Receiver, client: WebhookClient, status: int
) -> None:
    receiver.respond = lambda _: web.Response(status=status, text="no\x1b[31m such\ncustomer" + "x" * 10_000)
    result = await send(client)
    assert not result.delivered
    assert not result.permanent
    assert result.error.startswith(f"the receiver answered {status}: no [31m such customerxxx")
    assert len(result.error) < 600


async def test_410_is_permanent(receiver: Receiver, client: WebhookClient) -> None:
    receiver.respond = lambda _: web.Response(status=410)
    assert await send(client) == SendResult(delivered=False, error="the receiver answered 410", permanent=True)


@pytest.mark.parametrize(("header", "seconds"), [("120", 120), ("soon", 0), ("-1", 0), ("٣", 0)])
async def test_retry_after_is_read_where_it_is_a_number_of_seconds(
    receiver: Receiver, client: WebhookClient, header: str, seconds: float
) -> None:
    receiver.respond = lambda _: web.Response(status=429, headers={"Retry-After": header})
    assert (await send(client)).retry_after == seconds


async def test_a_redirect_is_not_followed(receiver: Receiver, client: WebhookClient) -> None:
    receiver.respond = lambda request: web.Response(status=307, headers={"Location": str(request.url)})
    assert (await send(client)).error == "the receiver answered 307"
    assert receiver.requests == 1


async def test_a_private_address_is_refused_unless_it_is_allowed(receiver: Receiver) -> None:
    port = receiver.url.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
        url = f"http://{host}:{port}"
        async with WebhookClient.open({"billing": Webhook(url=url)}, {"billing": [SECRET]}, []) as client:
            assert "a private address" in (await send(client)).error
    assert receiver.requests == 0


async def test_an_error_of_the_connection_does_not_contain_the_url(unused_tcp_port: int) -> None:
    hooks = {"billing": Webhook(url=f"http://127.0.0.1:{unused_tcp_port}/hook?key=hidden")}
    async with WebhookClient.open(hooks, {"billing": [SECRET]}, LOOPBACK) as client:
        error = (await send(client)).error
    assert error.startswith("the receiver could not be reached (")
    assert "hidden" not in error


async def test_a_webhook_that_was_removed_ends_its_deliveries(client: WebhookClient) -> None:
    result = await client.send(delivery("gone"), 0)
    error = "no profile names the webhook 'gone' any more"
    assert result == SendResult(delivered=False, error=error, permanent=True)


async def test_a_slow_receiver_does_not_delay_another(receiver: Receiver) -> None:
    held = asyncio.Event()
    async with AsyncExitStack() as stack:
        slow = await stack.enter_async_context(receiving())

        async def wait(_: web.Request) -> web.StreamResponse:
            await held.wait()
            return web.Response()

        slow.handler = wait
        hooks = {"slow": Webhook(url=slow.url), "billing": Webhook(url=receiver.url)}
        secrets = {"slow": [SECRET], "billing": [SECRET]}
        both = await stack.enter_async_context(WebhookClient.open(hooks, secrets, LOOPBACK))
        first = asyncio.create_task(both.send(delivery("slow"), time.time()))
        assert (await both.send(delivery(), time.time())).delivered
        assert not first.done()
        held.set()
        assert (await first).delivered
