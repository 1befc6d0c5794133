"""kill -9 of the real worker at each boundary between two steps, then a restart: everything happened once."""

import pytest

from airlock.lifecycle import State
from tests.workers.inspection.clamd.fault_proxy import FaultProxy, Moment, Step
from tests.workers.program import killed, running
from tests.workers.site import PNG, Site

STEPS: tuple[Step, ...] = ("claim", "copy", "settle", "publish", "delete", "acknowledge")


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_worker_that_is_killed_leaves_nothing_half_done(
    proxied: tuple[Site, FaultProxy], step: Step, moment: Moment
) -> None:
    site, proxy = proxied
    sent = await site.put(PNG)
    async with killed(site, proxy) as kill:
        proxy.inject(step, moment, kill)
    async with running(site) as successor:
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
