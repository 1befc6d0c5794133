"""A response is lost, so the client sends a copy again: one copy is left in the end."""

from tests.workers.fault_proxy import Broken, FaultProxy
from tests.workers.harness import PNG, WorkerHarness
from tests.workers.program import killed


async def test_a_copy_whose_response_was_lost_leaves_one_version(proxied: tuple[WorkerHarness, FaultProxy]) -> None:
    harness, proxy = proxied
    async with harness.working(endpoint_url=proxy.endpoint):
        proxy.inject("copy", "after", _lose)
        record = await harness.settled(await harness.put(PNG))
        await harness.idle()
        assert record.attempts == 1
        assert record.location is not None
        assert await _copies(harness) == [record.location[1:]]


async def test_so_does_one_of_a_worker_killed_before_it_tidied(
    proxied: tuple[WorkerHarness, FaultProxy],
) -> None:
    harness, proxy = proxied
    sent = await harness.put(PNG)
    async with killed(harness, proxy) as kill:

        async def lose() -> None:
            proxy.inject("settle", "after", kill)
            raise Broken

        proxy.inject("copy", "after", lose)
    assert len(await _copies(harness)) == 2

    async with harness.working():
        record = await harness.settled(sent)
        await harness.idle()
    assert record.location is not None
    assert await _copies(harness) == [record.location[1:]]


async def _lose() -> None:
    raise Broken


async def _copies(harness: WorkerHarness) -> list[tuple[str, str]]:
    return await harness.versions(harness.settings.accepted_bucket)
