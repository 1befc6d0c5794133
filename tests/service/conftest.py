"""Fixtures of the service's tests."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from airlock.profiles import Profiles
from service.settings import load_profiles
from tests.deployment import ROOT
from tests.service.harness import ServiceHarness, settings


@pytest.fixture(scope="session")
def profiles() -> Profiles:
    """The profiles of airlock.toml."""
    return load_profiles(ROOT / "airlock.toml")


@pytest_asyncio.fixture
async def service(profiles: Profiles) -> AsyncIterator[ServiceHarness]:
    """A service in mode production that listens on a free port, over fakes of its ports."""
    async with ServiceHarness(settings(), profiles) as running:
        yield running
