"""Long polling: a request is woken by a change, by its timeout or by the shutdown; one poller reads for all."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from airlock import upload_id
from airlock.errors import Unavailable
from airlock.lifecycle import ARRIVAL_SECONDS, State
from airlock.upload_id import UploadId
from aws.dynamodb.records import Record
from service.uploads.long_polling import INTERVAL, LongPoller
from tests.service.fakes import START, FakeClock, FakeRecords
from tests.service.harness import SECRET, ServiceHarness
from tests.service.uploads.test_handlers import record

LIFETIME = 900


def minted(number: int = 0) -> upload_id.UploadId:
    return upload_id.mint(number.to_bytes(8, "big"), int(START), LIFETIME, "shop", [SECRET.encode()])


def waits(
    poller: LongPoller, upload: UploadId, known: State, latest: Record | None, seconds: float
) -> Coroutine[Any, Any, Record | None]:
    """A client that stays."""
    return poller.wait_for_change(upload, known, latest, seconds, gone=lambda: False)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def records() -> FakeRecords:
    return FakeRecords()


@pytest.fixture
def poller(records: FakeRecords, clock: FakeClock) -> LongPoller:
    return LongPoller(records, now=clock.now, sleep=clock.sleep)


async def test_a_change_wakes_a_waiting_request(poller: LongPoller, records: FakeRecords, clock: FakeClock) -> None:
    upload = minted()
    waiting = asyncio.create_task(waits(poller, upload, State.AWAITING_UPLOAD, None, 20))
    await clock.asleep(2)
    clock.advance(INTERVAL)
    await clock.asleep(2)
    assert not waiting.done()
    arrived = records.put(record(upload.text))
    clock.advance(INTERVAL)
    assert await waiting == arrived


async def test_the_timeout_wakes_a_waiting_request(poller: LongPoller, records: FakeRecords, clock: FakeClock) -> None:
    upload = minted()
    seen = records.put(record(upload.text))
    waiting = asyncio.create_task(waits(poller, upload, State.INSPECTING, seen, 20))
    await clock.asleep(2)
    clock.advance(20)
    assert await waiting == seen


async def test_a_policy_that_ends_is_a_change(poller: LongPoller, clock: FakeClock) -> None:
    waiting = asyncio.create_task(waits(poller, minted(), State.AWAITING_UPLOAD, None, 2 * LIFETIME))
    await clock.asleep(2)
    clock.advance(LIFETIME + ARRIVAL_SECONDS)
    assert await waiting is None


async def test_shutdown_wakes_all_requests_at_once(poller: LongPoller, records: FakeRecords, clock: FakeClock) -> None:
    waiting = [asyncio.create_task(waits(poller, minted(n), State.AWAITING_UPLOAD, None, 20)) for n in range(3)]
    await clock.asleep(4)
    await poller.close()
    assert await asyncio.gather(*waiting) == [None, None, None]
    assert await waits(poller, minted(), State.AWAITING_UPLOAD, None, 20) is None
    assert records.reads == []


async def test_many_requests_for_one_upload_cost_one_read(
    poller: LongPoller, records: FakeRecords, clock: FakeClock
) -> None:
    one, other = minted(1), minted(2)
    waiting = [asyncio.create_task(waits(poller, one, State.AWAITING_UPLOAD, None, 20)) for _ in range(50)]
    waiting.append(asyncio.create_task(waits(poller, other, State.AWAITING_UPLOAD, None, 20)))
    await clock.asleep(52)
    records.put(record(one.text))
    records.put(record(other.text))
    clock.advance(INTERVAL)
    assert all(await asyncio.gather(*waiting))
    assert records.reads == [{one.text, other.text}]


async def test_nothing_is_read_while_no_request_waits(
    poller: LongPoller, records: FakeRecords, clock: FakeClock
) -> None:
    upload = minted()
    for _ in range(2):
        waiting = asyncio.create_task(waits(poller, upload, State.AWAITING_UPLOAD, None, 20))
        await clock.asleep(2)
        records.put(record(upload.text))
        clock.advance(INTERVAL)
        await waiting
        clock.advance(20)
        records.records.clear()
    clock.advance(100)
    assert len(records.reads) == 2


async def test_a_request_that_is_cancelled_is_forgotten(
    poller: LongPoller, records: FakeRecords, clock: FakeClock
) -> None:
    waiting = asyncio.create_task(waits(poller, minted(), State.AWAITING_UPLOAD, None, 20))
    await clock.asleep(2)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not poller._waiters


@pytest.mark.parametrize("error", [Unavailable("dynamodb", "away"), ValueError("an item that cannot be read")])
async def test_waiting_requests_fail_when_the_records_fail(
    poller: LongPoller, records: FakeRecords, clock: FakeClock, error: Exception
) -> None:
    records.error = error
    waiting = asyncio.create_task(waits(poller, minted(), State.AWAITING_UPLOAD, None, 20))
    await clock.asleep(2)
    clock.advance(INTERVAL)
    with pytest.raises(type(error)):
        await waiting


# --- over HTTP ---


async def test_a_client_that_has_hung_up_is_not_read_for_any_more(service: ServiceHarness) -> None:
    upload = (await service.create())["id"]
    held = [asyncio.create_task(service.ask("GET", f"/v1/uploads/{upload}?wait=60")) for _ in range(3)]
    # Their timers, and the poller's pause.
    await service.clock.asleep(4)
    for each in held:
        each.cancel()
    # Ten seconds of their sixty, in which the service notices that the connections have ended.
    for _ in range(20):
        service.clock.advance(INTERVAL)
        await service.ask("GET", "/healthz", owner=None)
    assert not service.live._waiters
    read = len(service.records.reads)
    service.clock.advance(INTERVAL)
    await service.ask("GET", "/healthz", owner=None)
    assert len(service.records.reads) == read


async def test_a_held_answer_comes_with_the_new_state(service: ServiceHarness) -> None:
    upload = (await service.create())["id"]
    held = asyncio.create_task(service.ask("GET", f"/v1/uploads/{upload}?wait=20"))
    await service.clock.asleep(2)
    service.records.put(record(upload, State.RECEIVED))
    service.clock.advance(INTERVAL)
    assert (await held).json["state"] == "received"


async def test_a_held_answer_comes_when_time_is_up(service: ServiceHarness) -> None:
    upload = (await service.create())["id"]
    held = asyncio.create_task(service.ask("GET", f"/v1/uploads/{upload}?wait=20&state=awaiting_upload"))
    await service.clock.asleep(2)
    service.clock.advance(20)
    assert (await held).json["state"] == "awaiting_upload"


async def test_a_change_since_the_known_state_is_returned_at_once(service: ServiceHarness) -> None:
    upload = (await service.create())["id"]
    service.records.put(record(upload))
    answer = await service.ask("GET", f"/v1/uploads/{upload}?wait=20&state=awaiting_upload")
    assert answer.json["state"] == "inspecting"


async def test_a_final_state_is_returned_at_once(service: ServiceHarness) -> None:
    upload = (await service.create())["id"]
    service.records.put(replace(record(upload), state=State.REJECTED))
    assert (await service.ask("GET", f"/v1/uploads/{upload}?wait=20")).json["state"] == "rejected"


@pytest.mark.parametrize("wait", ["0", "61", "-1", "x", "1.5", ""])
async def test_how_long_to_hold_is_bounded(service: ServiceHarness, wait: str) -> None:
    upload = (await service.create())["id"]
    answer = await service.ask("GET", f"/v1/uploads/{upload}?wait={wait}")
    assert (answer.status, answer.json["field"]) == (400, "wait")


async def test_records_that_fail_while_a_request_waits_are_503(service: ServiceHarness) -> None:
    upload = (await service.create())["id"]
    held = asyncio.create_task(service.ask("GET", f"/v1/uploads/{upload}?wait=20"))
    await service.clock.asleep(2)
    service.records.error = Unavailable("dynamodb", "away")
    service.clock.advance(INTERVAL)
    assert (await held).status == 503


async def test_a_held_answer_comes_at_shutdown(service: ServiceHarness) -> None:
    upload = (await service.create())["id"]
    held = asyncio.create_task(service.ask("GET", f"/v1/uploads/{upload}?wait=60"))
    await service.clock.asleep(2)
    await service.app.shutdown()
    assert (await held).json["state"] == "awaiting_upload"
