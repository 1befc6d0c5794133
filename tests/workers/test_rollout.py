"""Secrets are rotated as docs/run.md says, with the old and the new version of both programs side by side."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from airlock.lifecycle import State
from tests.deployment import keys_of, unmeasured
from tests.service.deployed import post_form
from tests.service.harness import TOKENS, tokens_file
from tests.service.test_main import listening, started
from tests.workers.harness import PNG, WorkerHarness
from tests.workers.program import Program, running

pytestmark = [pytest.mark.server, pytest.mark.slow]

OLD, NEW = "old" * 12, "new" * 12
# What is in AIRLOCK_SECRETS before, and after each of the three steps: add, swap, remove.
VERSIONS = (OLD, f"{OLD},{NEW}", f"{NEW},{OLD}", NEW)
EACH = 5


@dataclass
class Pods:
    """A service and a worker of one version."""

    url: str
    worker: Program

    async def uploads(self, http: aiohttp.ClientSession) -> list[str]:
        """Some uploads with policies of this service; their ids."""
        made = []
        for number in range(EACH):
            headers = {"Authorization": f"Bearer {TOKENS['shop']}"}
            asked = {"filename": "photo.png"}
            async with http.post(f"{self.url}/v1/uploads", json=asked, headers=headers) as response:
                assert response.status == 201
                created = await response.json()
            form = created["upload"]
            stored, _ = await post_form(http, form["url"], form["fields"], PNG + b"%d" % number)
            assert stored in (200, 201, 204)
            made.append(created["id"])
        return made


@contextlib.asynccontextmanager
async def pods(harness: WorkerHarness, folder: Path, secrets: str) -> AsyncIterator[Pods]:
    """Leaving ends both as a rollout does."""
    tokens = folder / "tokens.toml"
    tokens.write_text(tokens_file())
    own = {"AIRLOCK_TOKENS": str(tokens), "AIRLOCK_PORT": "0", "AIRLOCK_UNREADY_SECONDS": "0.01"}
    environment = harness.environment(AIRLOCK_SECRETS=secrets, **own)
    environment |= keys_of("service", harness.settings).environment()
    async with (
        started({**unmeasured(), **environment}) as service,
        running(harness, AIRLOCK_SECRETS=secrets) as worker,
    ):
        url = await listening(service)
        await worker.logged("working")
        yield Pods(url, worker)
        service.terminate()
        worker.terminate()
        assert (await service.wait(), await worker.ended()) == (0, 0)


@pytest.mark.long
async def test_while_secrets_are_rotated_every_upload_ends_in_its_verdict(
    harness: WorkerHarness, tmp_path: Path
) -> None:
    harness.need_no_clamd()
    uploads: list[str] = []
    async with aiohttp.ClientSession() as http, AsyncExitStack() as ending:
        before = await ending.enter_async_context(pods(harness, tmp_path, VERSIONS[0]))
        for secrets in VERSIONS[1:]:
            async with AsyncExitStack() as beginning:
                after = await beginning.enter_async_context(pods(harness, tmp_path, secrets))
                uploads += [*await before.uploads(http), *await after.uploads(http)]
                await harness.idle()
                await ending.aclose()
                before = after
                ending.push_async_exit(beginning.pop_all())
        uploads += await before.uploads(http)
        await harness.idle()
    records = await harness.records.batch_get(uploads)
    assert {record.state for record in records.values()} == {State.ACCEPTED}
    assert len(records) == len(uploads) == EACH * 7
    assert await harness.incoming() == []
