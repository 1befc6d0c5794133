"""Fixtures of the worker's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from aws.settings import AwsSettings
from tests.workers.daemon import Daemon, running
from tests.workers.site import Site, opened


@pytest_asyncio.fixture
async def site(places: AwsSettings, tmp_path: Path) -> AsyncIterator[Site]:
    """A deployment of this test's own, without a worker and without clamd."""
    async with opened(places, tmp_path) as here:
        yield here


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def clamd() -> AsyncIterator[Daemon]:
    """One clamd for this test process."""
    async with running() as daemon:
        yield daemon
