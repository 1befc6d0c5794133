"""Settlement where an answer is lost on the way: a copy that was asked for twice is there once in the end."""

from tests.workers.inspection.clamd.fault_proxy import Broken, FaultProxy
from tests.workers.program import killed
from tests.workers.site import PNG, Site


async def test_a_copy_whose_answer_was_lost_leaves_no_second_version(proxied: tuple[Site, FaultProxy]) -> None:
    site, proxy = proxied
    async with site.working(endpoint_url=proxy.endpoint):
        proxy.inject("copy", "after", _lose)
        record = await site.settled(await site.put(PNG))
        await site.idle()
        assert record.attempts == 1
        assert record.location is not None
        assert await _copies(site) == [record.location[1:]]


async def test_nor_does_a_worker_that_is_killed_before_it_could_tidy(proxied: tuple[Site, FaultProxy]) -> None:
    site, proxy = proxied
    sent = await site.put(PNG)
    async with killed(site, proxy) as kill:

        async def lose() -> None:
            proxy.inject("settle", "after", kill)
            raise Broken

        proxy.inject("copy", "after", lose)
    assert len(await _copies(site)) == 2

    async with site.working():
        record = await site.settled(sent)
        await site.idle()
    assert record.location is not None
    assert await _copies(site) == [record.location[1:]]


async def _lose() -> None:
    raise Broken


async def _copies(site: Site) -> list[tuple[str, str]]:
    return await site.versions(site.settings.accepted_bucket)
