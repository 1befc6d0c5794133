"""Fixtures of all tests: an emulator, a deployment in it, and `airlock dev`. tests/README.md says which to take."""

import functools
import os
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from botocore import loaders

from aws.settings import AwsSettings
from ops.dev.emulator import Emulator
from tests.deployment import ministack, settings_for
from tests.deployment_pool import Pool, deployments
from tests.ops.terminal import Dev, dev


@pytest.fixture(scope="session", autouse=True)
def models_read_once() -> Iterator[None]:
    """botocore reads megabytes of service models for every session; a process makes one, these tests make hundreds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", functools.cache(loaders.create_loader))
        yield


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def emulator() -> AsyncIterator[Emulator]:
    """One emulator for this test process. Keys that may do everything in it are in the environment."""
    async with ministack() as running:
        os.environ.update(running.access_key.environment())
        os.environ.pop("AWS_SESSION_TOKEN", None)
        yield running


@pytest.fixture
def unprovisioned(emulator: Emulator) -> AwsSettings:
    """Settings of a deployment of this test's own; nothing that they name exists yet."""
    return settings_for(emulator)


@pytest.fixture(scope="session")
def deployment_pool(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """The deployments of this test process."""
    return deployments(emulator, tmp_path_factory.mktemp("deployments"))


@pytest_asyncio.fixture
async def deployment(deployment_pool: Pool) -> AsyncIterator[AwsSettings]:
    """Settings of an empty deployment. Other tests get it later: its buckets, queues and table stay as they are.

    The programs run in it as users with the permissions that they have on AWS: `tests.deployment.keys_of`.
    """
    async with deployment_pool.one() as taken:
        yield taken


@pytest_asyncio.fixture
async def new_deployment(deployment_pool: Pool) -> AwsSettings:
    """As `deployment`, for a test that changes buckets, queues, the table or users: no other test gets it."""
    return await deployment_pool.make()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def airlock_dev(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Dev]:
    """One `airlock dev` for this test process, started as its users start it: emulator, service and worker."""
    async with dev(tmp_path_factory.mktemp("dev")) as running:
        yield running
