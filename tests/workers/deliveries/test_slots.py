"""A webhook that hangs or fails holds up no other."""

import asyncio

from aws.sqs.answers import Message
from tests.workers.deliveries.test_executor import CLOSED, START, Simulation, published
from workers.deliveries.delivery import Delivery
from workers.deliveries.executor import DeliveryExecutor
from workers.deliveries.schedule import DAY
from workers.deliveries.slots import Slots
from workers.deliveries.webhook_client import SendResult
from workers.intake.disposition import Done, Retry


class Receivers:
    """`bad` does not answer until `let`; `good` answers at once."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.calls: list[str] = []

    async def send(self, delivery: Delivery, now: float) -> SendResult:
        self.calls.append(delivery.webhook)
        if delivery.webhook == "bad":
            await self.let.wait()
            return CLOSED
        return SendResult(delivered=True)


def _message(webhook: str, number: int = 0) -> Message:
    delivery = Delivery(webhook=webhook, event_id=f"e{number}", event="{}", published_at=START)
    return Message(f"{webhook}{number}", "r", delivery.to_text(), 1)


async def test_a_receiver_that_hangs_takes_its_own_slots_alone() -> None:
    receivers, time = Receivers(), START
    slots = {name: Slots(3, lambda: time) for name in ("bad", "good")}
    executor = DeliveryExecutor(receivers, slots, lambda: time, uniform=lambda low, _: low)
    hanging = [asyncio.create_task(executor.execute(_message("bad", number))) for number in range(3)]
    await asyncio.sleep(0)
    assert await executor.execute(_message("bad", 3)) == Retry(2.0)
    assert await executor.execute(_message("good")) == Done()
    receivers.let.set()
    assert all(isinstance(each, Retry) for each in await asyncio.gather(*hanging))
    assert receivers.calls == ["bad"] * 3 + ["good"]


async def test_a_receiver_that_fails_is_called_less_and_less_often_and_each_event_is_tried_to_the_end_of_its_day() -> (
    None
):
    simulation = Simulation(opens=START + 10 * DAY)
    reasons = await simulation.run(published(50, every=60))
    assert len(reasons) == 50
    times = sorted(time for times in simulation.sent.values() for time in times)
    in_its_days = [time for time in times if time < START + DAY]
    assert len(in_its_days) < DAY / 300 + 20
    assert max(int(reason.split("after ")[1].split(" ")[0]) for reason in reasons) < 80


async def test_after_a_failure_one_call_tells_whether_it_works_again() -> None:
    time = [START]
    slots = Slots(3, lambda: time[0])
    waits = []
    for _ in range(12):
        slots.ended(failed=True)
        slots.ended(failed=True)
        waits.append(slots.wait())
        time[0] += waits[-1] or 0
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    with slots.calling():
        assert slots.wait() == 2.0
    assert slots.wait() is None
    slots.ended(failed=False)
    with slots.calling(), slots.calling():
        assert slots.wait() is None
