"""Assembles the second consumer of a worker: it takes messages from the delivery queue and calls webhooks."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

from airlock.callables import Clock
from airlock.profiles import Profiles
from aws.clients import Clients
from aws.sqs.queue import Queue
from workers.deliveries.executor import DeliveryExecutor
from workers.deliveries.slots import Slots
from workers.deliveries.webhook_client import WebhookClient
from workers.intake.consumer import BATCH, Consumer, Limits
from workers.intake.gate import Gate
from workers.settings import Settings


@contextlib.asynccontextmanager
async def delivery_consumer(
    settings: Settings, profiles: Profiles, secrets: Mapping[str, Sequence[str]], clients: Clients, now: Clock
) -> AsyncIterator[Consumer]:
    """A consumer of the delivery queue; its queue and its connections are closed at the end.

    `secrets` has the signing secrets of each webhook.
    """
    most, networks = settings.webhook_concurrency, settings.webhook_networks
    connections = most * len(profiles.webhooks)
    # A batch more, whose messages go back to the queue at once while all slots of their webhook are taken.
    limits = Limits(connections + BATCH, settings.visibility, settings.poll_seconds, settings.drain_seconds)
    async with (
        Queue.open(settings, clients, name=settings.delivery_queue) as queue,
        WebhookClient.open(profiles.webhooks, secrets, networks, connections) as client,
    ):
        executor = DeliveryExecutor(client, {name: Slots(most, now) for name in profiles.webhooks}, now)
        yield Consumer(queue, executor.execute, settings.undelivered_queue, limits, Gate(_no_engines))


async def _no_engines() -> None:
    """A delivery needs no engine."""
