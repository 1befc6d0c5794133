"""Implementations of ports: fakes, and adapters on moto and on the emulator."""

from collections.abc import AsyncIterator

import pytest

from aws.clients import connect
from aws.settings import AwsSettings
from tests.aws.contracts.tables import Table
from tests.workers.fakes.dynamodb import FakeDynamoDB


@pytest.fixture(
    params=[
        "fake",
        pytest.param("moto_settings", id="moto", marks=pytest.mark.server),
        pytest.param("emulator_settings", id="emulator", marks=pytest.mark.server),
    ]
)
def settings_or_fake(request: pytest.FixtureRequest) -> AwsSettings | None:
    """Settings for an adapter, with empty queues and an empty table; None for a fake."""
    if request.param == "fake":
        return None
    settings: AwsSettings = request.getfixturevalue(request.param)
    return settings


@pytest.fixture
async def table(settings_or_fake: AwsSettings | None) -> AsyncIterator[Table]:
    """An empty table."""
    if settings_or_fake is None:
        yield Table(FakeDynamoDB(), "uploads")
        return
    async with connect(settings_or_fake, services=("dynamodb",)) as clients:
        yield Table(clients.dynamodb, settings_or_fake.table)
