"""The delivery queue, in simulated time: what a receiver misses comes again, for a day, in bounded attempts."""

import heapq
from dataclasses import dataclass, field

from aws.sqs.queue import Message
from workers.deliveries.courier import Answer
from workers.deliveries.deliverer import Deliverer
from workers.deliveries.delivery import Delivery
from workers.deliveries.schedule import DAY, TRIES
from workers.intake.disposition import Bury, Done, Retry

HOUR = 3600.0
CLOSED = Answer(taken=False, said="it answered 503: closed")
START = 1_800_000_000.0


@dataclass
class Street:
    """A receiver that is down until `opens`, and the clock of everybody."""

    opens: float
    at: float = START
    tries: dict[str, list[float]] = field(default_factory=dict)
    took: dict[str, int] = field(default_factory=dict)
    refusal: Answer = CLOSED

    async def bring(self, delivery: Delivery, now: float) -> Answer:
        assert now == self.at
        self.tries.setdefault(delivery.event_id, []).append(now)
        if now < self.opens:
            return self.refusal
        self.took[delivery.event_id] = self.took.get(delivery.event_id, 0) + 1
        return Answer(taken=True)

    async def run(self, deliveries: list[Delivery]) -> list[str]:
        """Deliver all, each when its message is visible again, as SQS would; returns the reasons of the buried."""
        deliverer = Deliverer(self, lambda: self.at, uniform=lambda low, high: (low + high) / 2)
        queue = [(delivery.since, place, 1) for place, delivery in enumerate(deliveries)]
        buried = []
        while queue:
            self.at, place, count = heapq.heappop(queue)
            message = Message(str(place), "r", deliveries[place].to_text(), count, self.at)
            match await deliverer.execute(message):
                case Retry(after):
                    heapq.heappush(queue, (self.at + after, place, count + 1))
                case Bury(reason):
                    buried.append(reason)
                case Done():
                    pass
        return buried


def published(count: int, every: float) -> list[Delivery]:
    return [
        Delivery(webhook="billing", event_id=f"e{place}", event="{}", since=START + place * every)
        for place in range(count)
    ]


async def test_a_receiver_that_was_down_for_an_hour_gets_every_event_after_it() -> None:
    street = Street(opens=START + HOUR)
    assert await street.run(published(500, every=HOUR / 400)) == []
    assert street.took == {f"e{place}": 1 for place in range(500)}
    assert max(len(tries) for tries in street.tries.values()) <= 5
    late = [tries[-1] - street.opens for tries in street.tries.values()]
    assert max(late) < 2.5 * HOUR


async def test_one_that_always_fails_ends_in_the_dead_letters_with_its_last_answer() -> None:
    street = Street(opens=START + 10 * DAY)
    [reason] = await street.run(published(1, every=0))
    tries = street.tries["e0"]
    assert len(tries) <= len(TRIES) + 1
    assert DAY <= tries[-1] - START <= 1.2 * DAY
    assert reason == f"webhook billing: after {len(tries)} attempts: it answered 503: closed"


async def test_one_that_is_gone_ends_there_at_once() -> None:
    street = Street(opens=START + DAY, refusal=Answer(taken=False, said="it answered 410", final=True))
    assert await street.run(published(1, every=0)) == ["webhook billing: after 1 attempts: it answered 410"]


async def test_workers_that_ended_meanwhile_do_not_shorten_the_day() -> None:
    """Each of their receives counts, but the time is what decides."""
    street = Street(opens=START + DAY)
    deliverer = Deliverer(street, lambda: street.at, uniform=lambda low, _: low)
    outcome = await deliverer.execute(Message("m", "r", published(1, 0)[0].to_text(), 1000, START))
    assert outcome == Retry(5)


async def test_what_is_no_delivery_is_buried() -> None:
    outcome = await Deliverer(Street(0), lambda: START).execute(Message("m", "r", "{}", 1, START))
    assert outcome == Bury("the message is no delivery to a webhook")
