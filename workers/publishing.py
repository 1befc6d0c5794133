"""Verdict events, to everybody whom a profile names."""

import asyncio
from collections.abc import Sequence
from typing import assert_never

from airlock import verdict_event
from airlock.targets import Target
from aws.buses import Buses
from aws.queue import Queue
from workers.deliveries.delivery import Delivery
from workers.inspection import Clock


class Publisher:
    """`now` gives seconds since the epoch. A webhook's event is put on `deliveries`, a queue, and brought from there."""

    def __init__(self, queue: Queue, buses: Buses, deliveries: str, now: Clock) -> None:
        self._queue = queue
        self._buses = buses
        self._deliveries = deliveries
        self._now = now

    async def publish(self, event_id: str, kind: str, event: str, targets: Sequence[Target]) -> None:
        """Hand the event over, whose id, type and text these are; raises Unavailable unless everybody took it.

        It may then be published again: receivers know the repetition by its id.
        """
        await asyncio.gather(*(self._hand_over(event_id, kind, event, target) for target in targets))

    async def _hand_over(self, event_id: str, kind: str, event: str, target: Target) -> None:
        attributes = {"content-type": verdict_event.CONTENT_TYPE}
        match target.kind:
            case "sqs":
                await self._queue.send(target.name, event, attributes)
            case "sns":
                await self._buses.publish_to_topic(target.name, event, {**attributes, "type": kind})
            case "eventbridge":
                await self._buses.put_event(target.name, kind, event)
            case "webhook":
                delivery = Delivery(webhook=target.name, event_id=event_id, event=event, since=self._now())
                await self._queue.send(self._deliveries, delivery.to_text())
            case _:
                assert_never(target.kind)
