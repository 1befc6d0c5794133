"""Fixtures for everybody: the emulator of this test process, and a freshly provisioned place in it."""

import functools
import os
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from botocore import loaders

from aws.settings import AwsSettings
from ops.dev.emulator import Emulator
from tests.stack import ministack, provisioned, settings_for


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever uses the emulator needs another process."""
    for item in items:
        if {"stack", "dev"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.stack)


@pytest.fixture(scope="session", autouse=True)
def models_read_once() -> Iterator[None]:
    """botocore reads megabytes of service models for every session; a process makes one, these tests make hundreds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", functools.cache(loaders.create_loader))
        yield


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack() -> AsyncIterator[Emulator]:
    """One ministack for this process; keys that may look at all of it are in the environment, for the AWS chain."""
    async with ministack() as running:
        os.environ.update(running.keys.environment())
        os.environ.pop("AWS_SESSION_TOKEN", None)
        yield running


@pytest.fixture
def places(stack: Emulator) -> AwsSettings:
    """Settings that name the places of a deployment of this test's own, for whoever provisions it: nothing is there."""
    return settings_for(stack)


@pytest_asyncio.fixture
async def deployment(places: AwsSettings) -> AwsSettings:
    """Settings of a deployment of this test's own: buckets, queues and table are there and empty.

    The programs run in it as users who may do no more than on AWS: `tests.stack.keys_of`.
    """
    return await provisioned(places)
