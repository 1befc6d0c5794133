"""The servers that the hostile forms are sent to, each started once for a test process."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ops.dev.emulator import Emulator
from tests.ceph import PROGRAMS, Ceph, running
from tests.debian import needs
from tests.enforcement.server import Server, on_ceph, on_ministack


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def ceph() -> AsyncIterator[Ceph]:
    """A Ceph object gateway."""
    needs(*PROGRAMS)
    async with running() as gateway:
        yield gateway


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server_on_ministack(emulator: Emulator) -> AsyncIterator[Server]:
    async with on_ministack(emulator) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server_on_ceph(ceph: Ceph) -> AsyncIterator[Server]:
    async with on_ceph(ceph) as opened:
        yield opened


@pytest.fixture(scope="session", params=["ministack", "ceph"])
def server(request: pytest.FixtureRequest) -> Server:
    """Each of the servers in turn, with buckets of this run's own."""
    opened: Server = request.getfixturevalue(f"server_on_{request.param}")
    return opened
