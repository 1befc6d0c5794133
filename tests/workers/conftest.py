"""Fixtures of the worker's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from aws.settings import AwsSettings
from tests.workers.site import Site, opened


@pytest_asyncio.fixture
async def site(deployment: AwsSettings, tmp_path: Path) -> AsyncIterator[Site]:
    """A deployment of this test's own, without a worker and without clamd."""
    async with opened(deployment, tmp_path) as here:
        yield here
