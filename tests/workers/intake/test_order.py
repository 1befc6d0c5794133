"""Of several versions of one key the one that was stored first is the upload, in whatever order news of them comes."""

import asyncio
import itertools
import json
from typing import Any

import pytest

from airlock.lifecycle import State
from tests.workers.inspection.checks.samples import HTML
from tests.workers.site import EICAR, PNG, Sent, Site

BODIES = (PNG + b"1", PNG + EICAR, HTML, PNG + b"4")


async def stored(site: Site, bodies: tuple[bytes, ...]) -> list[Sent]:
    """One upload, its bodies stored one after the other; S3's own notifications of them are taken away."""
    upload = site.mint()
    sent = [await site.put(body, upload=upload) for body in bodies]
    async with asyncio.timeout(10):
        taken: list[Any] = []
        while len(taken) < len(bodies):
            taken += await site._take(site.settings.queue, 0)
    sequencers = {
        record["s3"]["object"]["versionId"]: int(record["s3"]["object"]["sequencer"], 16)
        for message in taken
        for record in json.loads(message["Body"]).get("Records", ())
    }
    assert sorted(sequencers, key=sequencers.__getitem__) == [each.version_id for each in sent]
    return sent


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_the_first_that_was_stored_is_the_upload_in_every_order(site: Site, order: tuple[int, ...]) -> None:
    sent = await stored(site, BODIES[:3])
    async with site.working(concurrency=1):
        for number in order:
            await site.send(site.notification(sent[number]))
        await site.idle()
    record = await site.settled(sent[0].upload)
    assert (record.version_id, record.state) == (sent[0].version_id, State.ACCEPTED)
    assert record.overwrites == 2
    assert list((await site.accepted()).values()) == [BODIES[0]]
    assert await site.incoming() == []
    assert len({event["id"] for event in await site.events()}) == 1


async def test_a_later_version_does_not_save_an_infected_first_one(site: Site) -> None:
    sent = await stored(site, (PNG + EICAR, PNG))
    async with site.working():
        await site.send(site.notification(sent[1]))
        await site.idle()
    assert (await site.settled(sent[0].upload)).state is State.INFECTED
    assert await site.accepted() == {}


async def test_news_of_the_first_may_be_lost_and_that_of_the_others_come_again(site: Site) -> None:
    sent = await stored(site, BODIES)
    async with site.working():
        for number in (3, 1, 3, 2, 1):
            await site.send(site.notification(sent[number]))
        await site.idle()
    record = await site.settled(sent[0].upload)
    assert (record.version_id, record.state) == (sent[0].version_id, State.ACCEPTED)
    assert await site.incoming() == []


async def test_a_first_version_that_is_none_of_ours_holds_up_nobody(site: Site) -> None:
    """Somebody else in the account can write to the key before the owner does."""
    upload = site.mint()
    await site.put_raw(PNG, upload, {}, "image/png")
    own = await site.put(PNG + b"own", upload=upload)
    async with site.working():
        await site.send(site.notification(own))
        record = await site.settled(upload)
        assert (record.version_id, record.state) == (own.version_id, State.ACCEPTED)
        assert await site.dead_letters()
