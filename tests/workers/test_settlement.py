"""Settlement where an answer is lost on the way: a copy that was asked for twice is there once in the end."""

import asyncio
from pathlib import Path

from aws.settings import AwsSettings
from tests.workers.fault_proxy import Broken, FaultProxy
from tests.workers.program import running
from tests.workers.site import PNG, Site, opened
from tests.workers.test_crash import _without_clamd


async def test_a_copy_whose_answer_was_lost_leaves_no_second_version(deployment: AwsSettings, tmp_path: Path) -> None:
    assert deployment.endpoint_url
    async with (
        FaultProxy(deployment.endpoint_url).serving() as proxy,
        opened(deployment, tmp_path) as site,
        site.working(endpoint_url=proxy.endpoint),
    ):
        proxy.inject("copy", "after", _lose)
        record = await site.settled(await site.put(PNG))
        await site.idle()
        assert record.attempts == 1
        assert record.location is not None
        assert await _copies(site) == [record.location[1:]]


async def test_nor_does_a_worker_that_is_killed_before_it_could_tidy(deployment: AwsSettings, tmp_path: Path) -> None:
    assert deployment.endpoint_url
    async with (
        FaultProxy(deployment.endpoint_url).serving() as proxy,
        opened(deployment, tmp_path, visibility=2) as site,
    ):
        sent = await site.put(PNG)
        without = {"AIRLOCK_PROFILES": str(_without_clamd(tmp_path, site.settings.profiles))}
        async with running(site, AIRLOCK_ENDPOINT_URL=proxy.endpoint, **without) as victim:
            killed = asyncio.Event()

            async def kill() -> None:
                victim.process.kill()
                await victim.process.wait()
                killed.set()
                raise Broken

            async def lose() -> None:
                proxy.inject("settle", "after", kill)
                raise Broken

            proxy.inject("copy", "after", lose)
            async with asyncio.timeout(60):
                await killed.wait()
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
