"""A deployment whose notifications are all lost, as reconcile finds it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from aws.clients import connect
from aws.settings import AwsSettings
from tests.deployment_pool import Pool, emptied
from tests.workers.harness import WorkerHarness, harness_in


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def without_notifications(deployment_pool: Pool) -> AwsSettings:
    """A deployment whose incoming bucket sends no notifications."""
    made = await deployment_pool.make()
    async with connect(made, services=("s3",)) as clients:
        await clients.s3.put_bucket_notification_configuration(
            Bucket=made.incoming_bucket, NotificationConfiguration={}
        )
    return made


@pytest.fixture
async def harness(without_notifications: AwsSettings, tmp_path: Path) -> AsyncIterator[WorkerHarness]:
    """That deployment, empty."""
    await emptied(without_notifications)
    async with harness_in(without_notifications, tmp_path) as here:
        yield here
