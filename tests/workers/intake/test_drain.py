"""A worker that is stopped with 200 messages in flight ends in time; none is lost, and none is settled twice."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from airlock.lifecycle import State
from aws.settings import AwsSettings
from tests.workers.deliveries.notifying import notifying
from tests.workers.deliveries.receiver import receiving
from tests.workers.deployment_reader import Sent
from tests.workers.fault_proxy import FaultProxy, Moment, Step
from tests.workers.harness import PNG, WorkerHarness, harness_in
from tests.workers.program import Program, running

# More than the default pool of connections holds, and several batches of ten.
IN_FLIGHT = 48
# How much longer a busy machine may take to end a process.
MARGIN = 15
# Larger than the buffers of a connection, so that an object that is not read keeps its connection.
LARGE = PNG + bytes(256 * 1024)


class Holding(FaultProxy):
    """Holds back the responses with objects until `let`, and counts the calls of the queue."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream)
        self.asked: Counter[str] = Counter()
        self._held = 0
        self._changed = asyncio.Condition()
        self._leave = asyncio.Semaphore(0)

    async def holds(self, wanted: int) -> None:
        """Returns once so many responses are held at the same time."""
        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(lambda: self._held >= wanted)

    async def asks(self, action: str, times: int = 1) -> None:
        """Returns once that action was called so many more times."""
        wanted = self.asked[action] + times
        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(lambda: self.asked[action] >= wanted)

    def let(self, number: int) -> None:
        """Let so many responses go."""
        for _ in range(number):
            self._leave.release()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        async with self._changed:
            self.asked[_action(request)] += 1
            self._changed.notify_all()
        return await super()._pass(request)

    async def _at(self, step: Step, moment: Moment) -> None:
        if (step, moment) != ("read", "after"):
            return
        await self._count(1)
        try:
            await self._leave.acquire()
        finally:
            await self._count(-1)

    async def _count(self, more: int) -> None:
        async with self._changed:
            self._held += more
            self._changed.notify_all()


def _action(request: web.Request) -> str:
    """The action of a request to SQS or DynamoDB; aiosqs names it in the query, aiobotocore in a header."""
    return request.query.get("Action") or request.headers.get("X-Amz-Target", "").rpartition(".")[2]


@contextlib.asynccontextmanager
async def holding(deployment: AwsSettings, folder: Path, **own: Any) -> AsyncIterator[tuple[WorkerHarness, Holding]]:
    """A worker harness, and a proxy before its emulator that holds objects back."""
    assert deployment.endpoint_url
    async with (
        Holding(deployment.endpoint_url).serving() as proxy,
        harness_in(deployment, folder, **own) as harness,
    ):
        assert isinstance(proxy, Holding)
        profiles = harness.settings.profiles
        profiles.write_text(profiles.read_text().replace('"checksum", "clamd"]', '"checksum"]'))
        yield harness, proxy
        # Responses that are still held would keep the proxy from closing.
        proxy.let(2 * IN_FLIGHT)


@contextlib.asynccontextmanager
async def busy(harness: WorkerHarness, proxy: Holding, drain: float) -> AsyncIterator[Program]:
    """A worker with as many messages in flight as it works on at once."""
    variables = {
        "AIRLOCK_ENDPOINT_URL": proxy.endpoint,
        "AIRLOCK_CONCURRENCY": str(IN_FLIGHT),
        "AIRLOCK_DRAIN_SECONDS": str(drain),
    }
    async with running(harness, **variables) as worker:
        await proxy.holds(IN_FLIGHT)
        yield worker


async def stored(harness: WorkerHarness, count: int, body: bytes = PNG) -> list[Sent]:
    """Store so many uploads."""
    slots = asyncio.Semaphore(16)

    async def one(number: int) -> Sent:
        async with slots:
            return await harness.put(body + b"%d" % number)

    return list(await asyncio.gather(*(one(number) for number in range(count))))


async def all_is_well(harness: WorkerHarness, sent: list[Sent], *, once: bool = True) -> None:
    """Each has one verdict, one copy and one event; with `once` no event was published again."""
    records = await harness.records.batch_get(each.upload for each in sent)
    assert len(records) == len(sent)
    assert {record.state for record in records.values()} == {State.ACCEPTED}
    versions = await harness.versions(harness.settings.accepted_bucket)
    assert sorted(versions) == sorted((r.location.key, r.location.version_id) for r in records.values() if r.location)
    assert await harness.incoming() == []
    published = Counter(event["id"] for event in await harness.events(len(sent)))
    assert published.keys() == {record.event_id for record in records.values()}
    if once:
        assert set(published.values()) == {1}
        assert {record.attempts for record in records.values()} == {1}


async def test_messages_in_flight_are_finished_within_the_drain_time(deployment: AwsSettings, tmp_path: Path) -> None:
    async with holding(deployment, tmp_path, visibility=6) as (harness, proxy):
        sent = await stored(harness, IN_FLIGHT + 20)
        async with busy(harness, proxy, drain=50) as worker:
            worker.terminate()
            await worker.logged(f"draining {IN_FLIGHT} messages")
            received = proxy.asked["ReceiveMessage"]
            # At least three heartbeats for each message, which would be visible again without them.
            await proxy.asks("ChangeMessageVisibilityBatch", 4 * IN_FLIGHT // 10)
            proxy.let(IN_FLIGHT)
            assert await worker.ended() == 0
            assert proxy.asked["ReceiveMessage"] == received
        assert len(await harness.incoming()) == 20
        async with harness.working():
            await harness.idle()
        await all_is_well(harness, sent)


async def test_messages_that_take_too_long_are_given_back_at_once(deployment: AwsSettings, tmp_path: Path) -> None:
    async with holding(deployment, tmp_path, visibility=600) as (harness, proxy):
        sent = await stored(harness, IN_FLIGHT)
        async with busy(harness, proxy, drain=8) as worker:
            worker.terminate()
            begin = time.monotonic()
            proxy.let(IN_FLIGHT // 4)
            assert await worker.ended() == 0
            assert time.monotonic() - begin < 8 + MARGIN
        assert len(await harness.incoming()) == IN_FLIGHT - IN_FLIGHT // 4
        # If one of them were still hidden, this would wait for ten minutes.
        async with harness.working(concurrency=32):
            await harness.idle()
        await all_is_well(harness, sent)


async def test_a_worker_that_is_killed_costs_a_redelivery(deployment: AwsSettings, tmp_path: Path) -> None:
    async with holding(deployment, tmp_path, visibility=4) as (harness, proxy):
        sent = await stored(harness, IN_FLIGHT)
        async with busy(harness, proxy, drain=8) as worker:
            proxy.let(IN_FLIGHT // 2)
            await worker.logged("settled")
            worker.process.kill()
            await worker.ended()
        async with harness.working(concurrency=32):
            await harness.idle()
        await all_is_well(harness, sent, once=False)


async def test_large_objects_at_once_do_not_wait_for_each_others_connections(
    deployment: AwsSettings, tmp_path: Path
) -> None:
    async with holding(deployment, tmp_path) as (harness, proxy):
        sent = await stored(harness, IN_FLIGHT, LARGE)
        async with busy(harness, proxy, drain=50) as worker:
            proxy.let(IN_FLIGHT)
            await harness.idle()
            worker.terminate()
            assert await worker.ended() == 0
        await all_is_well(harness, sent)


@pytest.mark.parametrize("in_time", [True, False])
async def test_deliveries_to_webhooks_are_finished_or_given_back(
    deployment: AwsSettings, tmp_path: Path, in_time: bool
) -> None:
    async with receiving() as receiver, notifying(deployment, tmp_path, receiver.url, visibility=600) as harness:
        leave, asked = asyncio.Event(), asyncio.Semaphore(0)

        async def hold(request: web.Request) -> web.StreamResponse:
            asked.release()
            await leave.wait()
            receiver.handler = None
            return await receiver.handle(request)

        receiver.handler = hold
        sent = await stored(harness, 8)
        variables = {"AIRLOCK_WEBHOOK_NETWORKS": "127.0.0.0/8", "AIRLOCK_DRAIN_SECONDS": "10" if in_time else "1"}
        async with running(harness, **variables) as worker, asyncio.timeout(60):
            for _ in sent:
                await asked.acquire()
            await harness.idle()
            worker.terminate()
            await worker.logged("draining 8 messages")
            if in_time:
                leave.set()
            assert await worker.ended() == 0
        leave.set()
        assert len(receiver.accepted) == (8 if in_time else 0)
        receiver.handler = None
        async with harness.working():
            await harness.idle(harness.settings.delivery_queue)
        assert len({event for event, _ in receiver.accepted}) == len(receiver.accepted) == 8
