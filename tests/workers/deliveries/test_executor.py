"""The delivery queue in simulated time: what a receiver does not take is sent again, for a day, a bounded number of
times."""

import heapq
from dataclasses import dataclass, field

from aws.sqs.answers import Message
from workers.deliveries.delivery import Delivery
from workers.deliveries.executor import DeliveryExecutor
from workers.deliveries.schedule import ATTEMPTS, DAY
from workers.deliveries.slots import Slots
from workers.deliveries.webhook_client import SendResult
from workers.intake.disposition import Bury, Done, Retry, Wait

HOUR = 3600.0
CLOSED = SendResult(delivered=False, error="the receiver answered 503: closed")
START = 1_800_000_000.0


@dataclass
class Simulation:
    """A receiver that fails until `opens`, and the time. `sent` has the times of all attempts, by event."""

    opens: float
    now: float = START
    sent: dict[str, list[float]] = field(default_factory=dict)
    delivered: dict[str, int] = field(default_factory=dict)
    failure: SendResult = CLOSED

    async def send(self, delivery: Delivery, now: float) -> SendResult:
        assert now == self.now
        self.sent.setdefault(delivery.event_id, []).append(now)
        if now < self.opens:
            return self.failure
        self.delivered[delivery.event_id] = self.delivered.get(delivery.event_id, 0) + 1
        return SendResult(delivered=True)

    async def run(self, deliveries: list[Delivery]) -> list[str]:
        """Deliver all, each when SQS would show its message again; returns the reasons of the buried."""
        slots = {"billing": Slots(8, lambda: self.now)}
        executor = DeliveryExecutor(self, slots, lambda: self.now, uniform=lambda low, high: (low + high) / 2)
        queue = [(delivery.published_at, number, 1) for number, delivery in enumerate(deliveries)]
        buried = []
        while queue:
            self.now, number, count = heapq.heappop(queue)
            message = Message(str(number), "r", deliveries[number].to_text(), count)
            match await executor.execute(message):
                case Retry(after):
                    heapq.heappush(queue, (self.now + after, number, count + 1))
                case Bury(reason):
                    buried.append(reason)
                case Done() | Wait():
                    pass
        return buried


def published(count: int, every: float) -> list[Delivery]:
    return [
        Delivery(webhook="billing", event_id=f"e{number}", event="{}", published_at=START + number * every)
        for number in range(count)
    ]


async def test_a_receiver_that_was_down_for_an_hour_gets_every_event_after_it() -> None:
    simulation = Simulation(opens=START + HOUR)
    assert await simulation.run(published(500, every=HOUR / 400)) == []
    assert simulation.delivered == {f"e{number}": 1 for number in range(500)}
    assert max(len(attempts) for attempts in simulation.sent.values()) <= 5
    late = [attempts[-1] - simulation.opens for attempts in simulation.sent.values()]
    assert max(late) < 2.5 * HOUR


async def test_a_delivery_that_always_fails_is_buried_after_a_day_with_its_last_error() -> None:
    simulation = Simulation(opens=START + 10 * DAY)
    [reason] = await simulation.run(published(1, every=0))
    attempts = simulation.sent["e0"]
    assert len(attempts) <= len(ATTEMPTS) + 1
    assert DAY <= attempts[-1] - START <= 1.2 * DAY
    assert reason == f"webhook billing: after {len(attempts)} attempts: the receiver answered 503: closed"


async def test_a_permanent_failure_is_buried_at_once() -> None:
    gone = SendResult(delivered=False, error="the receiver answered 410", permanent=True)
    simulation = Simulation(opens=START + DAY, failure=gone)
    reasons = await simulation.run(published(1, every=0))
    assert reasons == ["webhook billing: after 1 attempts: the receiver answered 410"]


async def test_receives_by_workers_that_ended_do_not_shorten_the_day() -> None:
    simulation = Simulation(opens=START + DAY)
    executor = DeliveryExecutor(simulation, {}, lambda: simulation.now, uniform=lambda low, _: low)
    disposition = await executor.execute(Message("m", "r", published(1, 0)[0].to_text(), 1000))
    assert disposition == Retry(5)


async def test_a_message_that_is_not_a_delivery_is_buried() -> None:
    executor = DeliveryExecutor(Simulation(0), {}, lambda: START)
    disposition = await executor.execute(Message("m", "r", "{}", 1))
    assert disposition == Bury("the message is not a delivery to a webhook")
