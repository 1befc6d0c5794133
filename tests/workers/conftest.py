"""Fixtures of the worker's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from aws.settings import AwsSettings
from tests.workers.fault_proxy import FaultProxy
from tests.workers.harness import WorkerHarness, harness_in
from tests.workers.inspection.clamd.daemon import Daemon, running


@pytest_asyncio.fixture
async def harness(deployment: AwsSettings, tmp_path: Path) -> AsyncIterator[WorkerHarness]:
    """A worker harness in a deployment of this test's own; no worker runs, and there is no clamd."""
    async with harness_in(deployment, tmp_path) as here:
        yield here


@pytest_asyncio.fixture
async def proxied(deployment: AwsSettings, tmp_path: Path) -> AsyncIterator[tuple[WorkerHarness, FaultProxy]]:
    """A worker harness that needs no clamd, and a proxy before its emulator."""
    assert deployment.endpoint_url
    async with FaultProxy(deployment.endpoint_url).serving() as proxy, harness_in(deployment, tmp_path) as here:
        here.need_no_clamd()
        yield here, proxy


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def clamd() -> AsyncIterator[Daemon]:
    """One clamd for this test process."""
    async with running() as daemon:
        yield daemon
