"""Verdict events, published to all targets that a profile notifies."""

import asyncio
from collections.abc import Sequence
from typing import assert_never

from airlock import verdict_event
from airlock.callables import Clock
from airlock.intent import Intent
from airlock.profile import Profile
from airlock.targets import Target
from airlock.verdict_event import CONTENT_TYPE, VerdictEvent
from aws.buses import Buses
from aws.dynamodb.record import Record
from aws.sqs.queue import Queue
from workers.deliveries.delivery import Delivery


class Publisher:
    """Publishes over SQS, SNS and EventBridge. Events for webhooks go to the queue `deliveries`."""

    def __init__(self, queue: Queue, buses: Buses, deliveries: str, now: Clock) -> None:
        self._queue = queue
        self._buses = buses
        self._deliveries = deliveries
        self._now = now

    async def publish_verdict(self, record: Record, profile: Profile) -> None:
        """Publish the verdict in `record`, with its changes, to all targets of the profile. Raises Unavailable."""
        if not profile.notify or record.verdict is None:
            return
        event = verdict_event.render(
            upload=record.id,
            version_id=record.version_id,
            intent=intent_of(record),
            verdict=record.verdict,
            location=record.location,
            changes=record.changes,
        )
        await self.publish(event, profile.targets)

    async def publish(self, event: VerdictEvent, targets: Sequence[Target]) -> None:
        """Publish to all targets; raises Unavailable unless every one took the event.

        Then it may be published again: receivers recognise the repetition by its id.
        """
        await asyncio.gather(*(self._publish_to(target, event) for target in targets))

    async def _publish_to(self, target: Target, event: VerdictEvent) -> None:
        attributes = {"content-type": CONTENT_TYPE}
        match target.kind:
            case "sqs":
                await self._queue.send(target.name, event.text, attributes)
            case "sns":
                await self._buses.publish_to_topic(target.name, event.text, {**attributes, "type": event.type})
            case "eventbridge":
                await self._buses.put_event(target.name, event.type, event.text)
            case "webhook":
                delivery = Delivery(webhook=target.name, event_id=event.id, event=event.text, published_at=self._now())
                await self._queue.send(self._deliveries, delivery.to_text())
            case _:
                assert_never(target.kind)


def intent_of(record: Record) -> Intent:
    """What the owner declared, as it was recorded."""
    return Intent(
        owner=record.owner,
        profile=record.profile,
        filename=record.filename,
        content_type=record.content_type,
        size=record.declared_size,
        sha256=record.declared_sha256,
        metadata=record.metadata,
        tenant=record.tenant,
    )
