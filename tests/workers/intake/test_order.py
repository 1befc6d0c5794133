"""The version of a key that was stored first is the upload, in whatever order the notifications come."""

import asyncio
import itertools
import json
from typing import Any

from airlock.lifecycle import State
from tests.workers.deployment_reader import Sent
from tests.workers.harness import EICAR, PNG, WorkerHarness
from tests.workers.inspection.checks.samples import HTML

BODIES = (PNG + b"1", PNG + EICAR, HTML, PNG + b"4")


async def stored(harness: WorkerHarness, bodies: tuple[bytes, ...]) -> list[Sent]:
    """Store the bodies of one upload one after the other; S3's own notifications of them are deleted."""
    upload = harness.mint()
    sent = [await harness.put(body, upload=upload) for body in bodies]
    async with asyncio.timeout(10):
        taken: list[Any] = []
        while len(taken) < len(bodies):
            taken += await harness._take(harness.settings.queue, 0)
    sequencers = {
        record["s3"]["object"]["versionId"]: int(record["s3"]["object"]["sequencer"], 16)
        for message in taken
        for record in json.loads(message["Body"]).get("Records", ())
    }
    assert sorted(sequencers, key=sequencers.__getitem__) == [each.version_id for each in sent]
    return sent


async def test_the_version_stored_first_is_the_upload_in_every_order(harness: WorkerHarness) -> None:
    orders = list(itertools.permutations(range(3)))
    uploads = [await stored(harness, BODIES[:3]) for _ in orders]
    async with harness.working(concurrency=1):
        for sent, order in zip(uploads, orders, strict=True):
            for number in order:
                await harness.send(harness.notification(sent[number]))
        await harness.idle()
    for sent in uploads:
        record = await harness.settled(sent[0].upload)
        assert (record.version_id, record.state) == (sent[0].version_id, State.ACCEPTED)
        assert record.overwrites == 2
    assert list((await harness.accepted()).values()) == [BODIES[0]] * len(orders)
    assert await harness.incoming() == []
    assert len({event["id"] for event in await harness.events(len(orders))}) == len(orders)


async def test_a_later_version_does_not_save_an_infected_first_one(harness: WorkerHarness) -> None:
    sent = await stored(harness, (PNG + EICAR, PNG))
    async with harness.working():
        await harness.send(harness.notification(sent[1]))
        await harness.idle()
    assert (await harness.settled(sent[0].upload)).state is State.INFECTED
    assert await harness.accepted() == {}


async def test_the_notification_of_the_first_may_be_lost_and_the_others_may_be_repeated(harness: WorkerHarness) -> None:
    sent = await stored(harness, BODIES)
    async with harness.working():
        for number in (3, 1, 3, 2, 1):
            await harness.send(harness.notification(sent[number]))
        await harness.idle()
    record = await harness.settled(sent[0].upload)
    assert (record.version_id, record.state) == (sent[0].version_id, State.ACCEPTED)
    assert await harness.incoming() == []


async def test_a_first_version_that_is_not_ours_delays_nothing(harness: WorkerHarness) -> None:
    """Another principal of the account can write to the key before the owner does."""
    upload = harness.mint()
    await harness.put_raw(PNG, upload, {}, "image/png")
    own = await harness.put(PNG + b"own", upload=upload)
    async with harness.working():
        await harness.send(harness.notification(own))
        record = await harness.settled(upload)
        assert (record.version_id, record.state) == (own.version_id, State.ACCEPTED)
        assert await harness.dead_letters()
