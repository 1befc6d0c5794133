"""A deployment for the tests of dead letters."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aws.settings import AwsSettings
from tests.workers.harness import WorkerHarness, harness_in


@pytest.fixture
async def harness(deployment: AwsSettings, tmp_path: Path) -> AsyncIterator[WorkerHarness]:
    async with harness_in(deployment, tmp_path) as here:
        yield here
