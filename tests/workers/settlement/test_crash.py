"""kill -9 of the real worker at each boundary between two steps, then a restart: everything happened once."""

import pytest

from airlock.lifecycle import State
from tests.workers.fault_proxy import FaultProxy, Moment, Step
from tests.workers.harness import PNG, WorkerHarness, accepted_at
from tests.workers.program import killed, running

STEPS: tuple[Step, ...] = ("claim", "copy", "settle", "publish", "delete", "acknowledge")


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_worker_that_is_killed_leaves_nothing_half_done(
    proxied: tuple[WorkerHarness, FaultProxy], step: Step, moment: Moment
) -> None:
    harness, proxy = proxied
    sent = await harness.put(PNG)
    async with killed(harness, proxy) as kill:
        proxy.inject(step, moment, kill)
    async with running(harness) as successor:
        record = await harness.settled(sent)
        await harness.idle()
        events = await harness.events()
        successor.terminate()
        assert await successor.ended() == 0

    assert record.state is State.ACCEPTED
    assert await harness.accepted() == {accepted_at(record).key: PNG}
    assert len(await harness.versions(harness.settings.accepted_bucket)) == 1
    assert record.location is not None
    assert await harness.read(*record.location) == PNG
    assert await harness.incoming() == []
    assert {event["id"] for event in events} == {record.event_id}
    assert all(event == events[0] for event in events)
