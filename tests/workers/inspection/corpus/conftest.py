"""The inspector with all checks, and a clamd."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.workers.inspection.clamd.daemon import Daemon
from tests.workers.inspection.corpus.sample_inspector import SampleInspector, sample_inspector


@pytest.fixture(scope="session")
def spool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spool")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def inspector(clamd: Daemon, spool: Path) -> AsyncIterator[SampleInspector]:
    """One for each module of tests: its children are used again, as in a worker, and are gone after it."""
    async with sample_inspector(spool, clamd.unix) as made:
        yield made
