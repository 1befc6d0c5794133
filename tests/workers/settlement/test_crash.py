"""The real worker is killed with SIGKILL at each boundary between two steps; the next one finishes its work, once."""

import pytest

from airlock.lifecycle import State
from airlock.quotas import DAY, Subject, Window
from aws.dynamodb.record import Record
from aws.dynamodb.usage_counters import UsageCounters
from tests.workers.deployment_reader import Sent
from tests.workers.fault_proxy import FaultProxy, Moment, Step
from tests.workers.harness import PNG, WorkerHarness, accepted_at
from tests.workers.program import killed, running

STEPS: tuple[Step, ...] = ("claim", "copy", "settle", "count", "publish", "delete", "acknowledge")
QUOTAS = """
[quotas.owner]
accepted_bytes_per_day = "1 GiB"

[quotas.tenant]
accepted_bytes_per_day = "1 TiB"
"""


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_what_a_killed_worker_began_is_finished_once(
    proxied: tuple[WorkerHarness, FaultProxy], moment: Moment
) -> None:
    """The worker that finishes the work of a killed one is killed itself at the next boundary."""
    harness, proxy = proxied
    with harness.settings.profiles.open("a") as profiles:
        profiles.write(QUOTAS)
    left: list[Sent] = []
    for number, step in enumerate(STEPS):
        async with killed(harness, proxy) as kill:
            await all_happened_once(harness, left)
            proxy.inject(step, moment, kill)
            left.append(await harness.put(PNG + b"%d" % number, tenant="acme"))
        if step == "count":
            await is_counted(harness, await harness.settled(left[-1]), number + (moment == "after"))
    async with running(harness) as last:
        await last.logged("working")
        await all_happened_once(harness, left)
        last.terminate()
        assert await last.ended() == 0


async def all_happened_once(harness: WorkerHarness, left: list[Sent]) -> None:
    """Check that the last upload is accepted, with one copy and one event, counted once, and that incoming is empty."""
    if not left:
        return
    record = await harness.settled(left[-1])
    await harness.idle()
    events = await harness.events()
    bucket, key, version = accepted_at(record)
    assert record.state is State.ACCEPTED
    assert await harness.versions(bucket, key) == [(key, version)]
    assert len(await harness.versions(bucket)) == len(left)
    assert await harness.read(bucket, key, version) == PNG + b"%d" % (len(left) - 1)
    assert await harness.incoming() == []
    assert {event["id"] for event in events} == {record.event_id}
    assert all(event == events[0] for event in events)
    await is_counted(harness, record, len(left))


async def is_counted(harness: WorkerHarness, of: Record, uploads: int) -> None:
    """Check that so many uploads are counted for the owner and the tenant, on the day of that verdict."""
    assert of.verdict
    today = Window.at(of.verdict.inspected_at.timestamp(), DAY)
    counters = UsageCounters(harness.clients.dynamodb, harness.settings.table)
    for subject in (Subject("owner", "alice"), Subject("tenant", "acme")):
        assert (await counters.get(subject, today)).accepted_bytes == uploads * (len(PNG) + 1)
