"""Queues, tables and buckets for the tests of the adapters, without the rest of a deployment.

They are in the emulator, and in moto where it behaves as AWS does.
"""

import asyncio
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import pytest_asyncio
from aiobotocore.session import get_session

from aws.settings import AwsSettings
from ops.dev.emulator import Emulator
from ops.provision import table
from tests.aws import settings_at
from tests.coverage_pause import coverage_paused
from tests.deployment import settings_for


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """The address of one moto for this test process."""
    # It takes a second to import, which every process that collects the tests would spend.
    from moto.server import ThreadedMotoServer

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


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore repeats at once."""
    real = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda seconds, *result: real(0))


@pytest_asyncio.fixture
async def moto_settings(moto: str, made_up_keys: None) -> AwsSettings:
    """No buckets: moto enforces neither policies nor pinned copies."""
    return await queues_and_table(settings_at(moto, run=secrets.token_hex(4)))


@pytest_asyncio.fixture
async def emulator_settings(emulator: Emulator) -> AwsSettings:
    return await queues_and_table(settings_for(emulator))


@pytest.fixture(
    params=[
        pytest.param("moto_settings", id="moto", marks=pytest.mark.server),
        pytest.param("emulator_settings", id="ministack", marks=pytest.mark.server),
    ]
)
def aws_settings(request: pytest.FixtureRequest) -> AwsSettings:
    """Settings of empty queues and an empty table of this test's own: in moto, and in the emulator."""
    settings: AwsSettings = request.getfixturevalue(request.param)
    return settings


@pytest_asyncio.fixture
async def buckets(emulator: Emulator) -> AwsSettings:
    """Settings of two empty, versioned buckets in ministack: incoming and accepted."""
    settings = settings_for(emulator)
    with coverage_paused():
        async with client("s3", settings) as s3:
            for name in (settings.incoming_bucket, settings.accepted_bucket):
                region = {"LocationConstraint": settings.region}
                await s3.create_bucket(Bucket=name, CreateBucketConfiguration=region)
                await s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return settings


def client(service: str, settings: AwsSettings) -> Any:
    session: Any = get_session()
    return session.create_client(service, region_name=settings.region, endpoint_url=settings.endpoint_url)


async def queues_and_table(settings: AwsSettings) -> AwsSettings:
    with coverage_paused():
        async with client("sqs", settings) as sqs, client("dynamodb", settings) as dynamodb:
            for name in (settings.queue, settings.dead_letter_queue):
                await sqs.create_queue(QueueName=name)
            await dynamodb.create_table(
                TableName=settings.table,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=table.KEY,
                AttributeDefinitions=table.ATTRIBUTES,
                GlobalSecondaryIndexes=[table.INDEX_SHAPE],
            )
    return settings
