"""kill -9 of the real worker at each boundary between two steps, then a restart: everything happened once."""

import asyncio
from pathlib import Path

import pytest

from airlock.lifecycle import State
from aws.settings import AwsSettings
from tests.workers.fault_proxy import Broken, FaultProxy, Moment, Step
from tests.workers.program import running
from tests.workers.site import PNG, opened

STEPS: tuple[Step, ...] = ("claim", "copy", "settle", "publish", "delete", "acknowledge")


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_worker_that_is_killed_leaves_nothing_half_done(
    deployment: AwsSettings, tmp_path: Path, step: Step, moment: Moment
) -> None:
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

            proxy.inject(step, moment, kill)
            async with asyncio.timeout(60):
                await killed.wait()

        async with running(site, **without) as successor:
            record = await site.settled(sent)
            await site.idle()
            events = await site.events()
            successor.terminate()
            assert await successor.ended() == 0

        assert record.state is State.ACCEPTED
        assert await site.accepted() == {record.accepted_key: PNG}
        assert len(await site.versions(site.settings.accepted_bucket)) == 1
        assert record.location is not None
        assert await site.read(*record.location) == PNG
        assert await site.incoming() == []
        assert {event["id"] for event in events} == {record.event_id}
        assert all(event == events[0] for event in events)


def _without_clamd(folder: Path, profiles: Path) -> Path:
    path = folder / "less.toml"
    path.write_text(profiles.read_text().replace('"checksum", "clamd"]', '"checksum"]'))
    return path
