"""Verdict events, to everybody whom a profile names."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import assert_never

from airlock import verdict_event
from airlock.callables import Clock
from airlock.intent import Intent
from airlock.profile import Profile
from airlock.profiles import Profiles
from airlock.targets import Target, TargetKind
from airlock.verdict_event import CONTENT_TYPE, VerdictEvent
from aws.buses import Buses
from aws.dynamodb.record import Record
from aws.session import SERVICES
from aws.sqs.queue import Queue
from workers.deliveries.delivery import Delivery


def services(profiles: Profiles) -> list[str]:
    """The services to have clients of for all work on uploads: those of buses only where a profile notifies one."""
    buses: Mapping[TargetKind, tuple[str, ...]] = {"sns": ("sns", "sts"), "eventbridge": ("events",)}
    return [*SERVICES, *(name for kind, names in buses.items() if profiles.notified(kind) for name in names)]


class Publisher:
    """`now` gives seconds since the epoch. What is for a webhook goes by way of the queue `deliveries`."""

    def __init__(self, queue: Queue, buses: Buses, deliveries: str, now: Clock) -> None:
        self._queue = queue
        self._buses = buses
        self._deliveries = deliveries
        self._now = now

    async def tell(self, record: Record, profile: Profile) -> None:
        """Publish the verdict that `record` tells, with its changes, to all targets; raises Unavailable."""
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
        """Hand the event over; raises Unavailable unless everybody took it.

        It may then be published again: receivers know the repetition by its id.
        """
        await asyncio.gather(*(self._hand_over(event, target) for target in targets))

    async def _hand_over(self, event: VerdictEvent, target: Target) -> None:
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
    """What the uploader meant, as the record tells it."""
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
