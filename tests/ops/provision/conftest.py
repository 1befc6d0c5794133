"""A deployment that does not exist yet, and what `airlock provision` changes in it."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from ops.dev.emulator import Emulator
from ops.provision.clients import ProvisioningClients, connect
from ops.provision.command import provision
from ops.provision.setting import PlannedChange
from ops.settings import Settings
from tests.deployment import settings_for

ORIGINS = ["https://app.example.com", "https://www.example.com"]


@pytest.fixture
def wanted(emulator: Emulator) -> Settings:
    return Settings(**{**settings_for(emulator).model_dump(), "cors_origins": ORIGINS})


@pytest.fixture
async def clients(wanted: Settings) -> AsyncIterator[ProvisioningClients]:
    async with connect(wanted) as made:
        yield made


async def changes(wanted: Settings, *, dry_run: bool = False) -> list[str]:
    """What `airlock provision` changes, a line for each value."""
    async with aclosing(provision(wanted, dry_run=dry_run)) as found:
        return [line async for change in found for line in lines(change)]


def lines(change: PlannedChange) -> list[str]:
    resource, what = change.setting.resource, change.setting.what
    return [
        f"{resource} {'.'.join((what, *path))}: {before or 'none'} → {after or 'none'}"
        for path, before, after in change.differences()
    ]
