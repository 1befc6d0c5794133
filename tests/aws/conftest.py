"""Places that the adapters' contract tests run against: ministack always, moto where it tells the truth."""

import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from aiobotocore.session import get_session
from moto.server import ThreadedMotoServer

from aws.settings import AwsSettings
from ops.places import table
from tests.aws import settings_at


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def made_up_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAMADEUP")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)


@pytest_asyncio.fixture
async def moto_deployment(moto: str, made_up_keys: None) -> AsyncIterator[AwsSettings]:
    """Queues and a table in moto; it has no buckets, since moto enforces neither policies nor pinned copies."""
    settings = settings_at(moto, run=secrets.token_hex(4))
    session: Any = get_session()
    at = {"region_name": settings.region, "endpoint_url": moto}
    async with session.create_client("sqs", **at) as sqs, session.create_client("dynamodb", **at) as dynamodb:
        for name in (settings.queue, settings.dead_letter_queue):
            await sqs.create_queue(QueueName=name)
        await dynamodb.create_table(
            TableName=settings.table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=table.KEY,
            AttributeDefinitions=table.ATTRIBUTES,
            GlobalSecondaryIndexes=[table.INDEX_SHAPE],
        )
    yield settings


@pytest.fixture(
    params=[
        pytest.param("moto_deployment", id="moto"),
        pytest.param("deployment", id="ministack", marks=pytest.mark.stack),
    ]
)
def place(request: pytest.FixtureRequest) -> AwsSettings:
    """Settings of a deployment with empty queues and an empty table, in each server in turn."""
    settings: AwsSettings = request.getfixturevalue(request.param)
    return settings
