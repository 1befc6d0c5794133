from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.ops.terminal import Dev
from tests.ops.terminal import dev as running_dev


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def dev(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Dev]:
    """One `airlock dev` for this test process."""
    async with running_dev(tmp_path_factory.mktemp("dev")) as running:
        yield running
