"""Every client asks the addresses that the environment names, through its proxy, and trusts its authorities."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from botocore.config import Config
from botocore.session import get_session
from pydantic import SecretStr

from airlock.backoff import Backoff
from airlock.errors import Unavailable
from airlock.policy import bucket_url
from airlock.profiles import Webhook
from aws import egress
from aws.clients import Clients, connect
from aws.retry import RetryPolicy
from aws.settings import AwsSettings
from aws.sqs.receiver import Receiver
from ops.client import api
from ops.client.api import RequestError
from ops.client.sending import send
from service.identity.oidc.fetching import fetch
from tests.certificates import certificate
from workers.deliveries.delivery import Delivery
from workers.deliveries.webhook_client import WebhookClient

ONCE = RetryPolicy(1, Backoff(first=0.01, longest=0.01))


@dataclass
class Proxy:
    """Notes the hosts to which it is asked to connect, and lets nobody through."""

    url: str = ""
    asked: list[str] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head.split()[1].decode())
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@pytest.fixture
async def proxy(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Proxy]:
    """The proxy of this process's environment for https."""
    made = Proxy()
    server = await asyncio.start_server(made.answer, "127.0.0.1", 0)
    async with server:
        made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        monkeypatch.setenv("HTTPS_PROXY", made.url)
        yield made


def settings(region: str = "us-east-1", **changes: str) -> AwsSettings:
    values = {"incoming_bucket": "incoming", "accepted_bucket": "accepted", "quarantine_bucket": "quarantine"}
    return AwsSettings.model_validate({**values, "region": region, "secrets": [SecretStr("x" * 32)], **changes})


async def ask_all(clients: Clients, here: AwsSettings) -> None:
    """One call of each client; nobody answers."""
    receiver = Receiver(here.region, clients.sqs.meta.endpoint_url, clients.credentials, ONCE)
    calls = (
        clients.s3.head_bucket(Bucket="incoming"),
        clients.dynamodb.describe_table(TableName="uploads"),
        clients.sqs.get_queue_url(QueueName="objects"),
        receiver.receive("https://sqs/1/objects", 1, 0, 1),
    )
    for call in calls:
        # botocore raises errors of its own, and ours are of the receiver.
        with contextlib.suppress(Exception):
            await call
    await receiver.close()


FIPS = {"AWS_USE_FIPS_ENDPOINT": "true"}
DUAL = {"AWS_USE_DUALSTACK_ENDPOINT": "true"}
OWN = {"AWS_ENDPOINT_URL": "https://aws.corp.example/", "AWS_ENDPOINT_URL_S3": "https://s3.corp.example:9000"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "s3", "others"),
    [
        ({}, "s3.us-east-1.amazonaws.com", "{}.us-east-1.amazonaws.com"),
        (FIPS, "s3-fips.us-east-1.amazonaws.com", "{}-fips.us-east-1.amazonaws.com"),
        (DUAL, "s3.dualstack.us-east-1.amazonaws.com", "{}.us-east-1.api.aws"),
        (OWN, "s3.corp.example:9000", "aws.corp.example"),
    ],
)
@pytest.mark.usefixtures("made_up_keys", "no_pauses")
async def test_each_client_asks_the_address_of_the_environment_through_its_proxy(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], s3: str, others: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    here = settings()
    async with connect(here) as clients:
        await ask_all(clients, here)
        form = bucket_url("incoming", clients.s3_url, here.addressing)
    with_port = s3 if ":" in s3 else f"{s3}:443"
    named = {f"incoming.{with_port}", *(f"{others.format(each)}:443" for each in ("sqs", "dynamodb"))}
    assert set(proxy.asked) == named
    assert form == f"https://incoming.{s3}/"


@pytest.mark.usefixtures("made_up_keys")
async def test_forms_are_posted_where_botocore_would_post_them(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(s3={"addressing_style": "virtual"}, signature_version="s3v4")
    for environment in ({}, FIPS, DUAL, OWN):
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            async with connect(settings("eu-central-1"), services=("s3",)) as clients:
                ours = bucket_url("incoming", clients.s3_url)
            theirs: Any = get_session().create_client("s3", region_name="eu-central-1", config=config)
            assert ours == theirs.generate_presigned_post("incoming", "key")["url"]


@pytest.mark.usefixtures("made_up_keys")
async def test_our_own_setting_is_stronger_than_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://inside.example")
    async with connect(settings(public_s3_url="https://files.example.org"), services=("s3",)) as clients:
        assert clients.s3_url == "https://files.example.org"


@pytest.mark.usefixtures("made_up_keys")
async def test_a_partition_without_fips_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    with pytest.raises(Unavailable, match="FIPS"):
        async with connect(settings("cn-north-1"), services=("s3",)):
            pass


WEBHOOKS = {"shop": Webhook(url="https://hooks.example/airlock")}
SECRETS = {"shop": ["whsec_" + "A" * 32]}
DELIVERY = Delivery(webhook="shop", event_id="1", event="{}", published_at=0)


async def test_the_provider_and_webhooks_are_asked_through_the_proxy(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with aiohttp.ClientSession() as http, WebhookClient.open(WEBHOOKS, SECRETS, ()) as client:
        with pytest.raises(Unavailable, match="oidc"):
            await fetch(http, "https://login.example/keys")
        assert not (await client.send(DELIVERY, 0)).delivered
        assert proxy.asked == ["login.example:443", "hooks.example:443"]
        monkeypatch.setenv("NO_PROXY", ".example")
        assert egress.proxy("https://login.example/keys") is None


async def test_the_commands_ask_the_service_and_s3_through_the_proxy(proxy: Proxy, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"png")
    async with api.connect("https://uploads.example", "token") as service:
        with pytest.raises(RequestError):
            await service.get("id")
    with pytest.raises(RequestError):
        await send({"url": "https://s3.example/bucket", "fields": {}}, path, lambda count: None)
    assert proxy.asked == ["uploads.example:443", "s3.example:443"]


async def test_an_authority_of_the_bundle_is_trusted_beside_the_systems(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pem = certificate(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pem)
    app = web.Application()
    app.router.add_get("/", partial(_hello))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    url = f"https://127.0.0.1:{runner.addresses[0][1]}/"
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await http.get(url, ssl=egress.authorities())
        monkeypatch.setenv("AWS_CA_BUNDLE", str(pem))
        async with http.get(url, ssl=egress.authorities()) as answer:
            assert answer.status == 200
    await runner.cleanup()
    assert egress.authorities().cert_store_stats()["x509_ca"] > 1


async def _hello(_: web.Request) -> web.StreamResponse:
    return web.Response(text="hello")


def test_a_bundle_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for path in (tmp_path / "none.pem", tmp_path / "empty.pem"):
        monkeypatch.setenv("AWS_CA_BUNDLE", str(path))
        (tmp_path / "empty.pem").touch()
        with pytest.raises(OSError, match=f"AWS_CA_BUNDLE.*{path.name}"):
            egress.authorities()
