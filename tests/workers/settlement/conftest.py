"""Fixtures of the tests of settlement."""

from collections.abc import AsyncIterator

import pytest_asyncio

from aws.sqs.queue import Queue
from tests.workers.harness import WorkerHarness
from tests.workers.settlement.interruptible_revision import InterruptibleRevision


@pytest_asyncio.fixture
async def revision(harness: WorkerHarness) -> AsyncIterator[InterruptibleRevision]:
    """A revision in the deployment of the harness."""
    async with Queue.open(harness.settings, harness.clients) as queue:
        yield InterruptibleRevision(harness, queue)
