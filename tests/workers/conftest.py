"""Fixtures of the worker's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from aws.settings import AwsSettings
from tests.workers.inspection.clamd.daemon import Daemon, running
from tests.workers.inspection.clamd.fault_proxy import FaultProxy
from tests.workers.site import Site, opened


@pytest_asyncio.fixture
async def site(places: AwsSettings, tmp_path: Path) -> AsyncIterator[Site]:
    """A deployment of this test's own, without a worker and without clamd."""
    async with opened(places, tmp_path) as here:
        yield here


@pytest_asyncio.fixture
async def proxied(places: AwsSettings, tmp_path: Path) -> AsyncIterator[tuple[Site, FaultProxy]]:
    """A site that needs no clamd, and a proxy on the way to it."""
    assert places.endpoint_url
    async with FaultProxy(places.endpoint_url).serving() as proxy, opened(places, tmp_path) as here:
        here.need_no_clamd()
        yield here, proxy


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def clamd() -> AsyncIterator[Daemon]:
    """One clamd for this test process."""
    async with running() as daemon:
        yield daemon
