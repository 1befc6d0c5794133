"""Assembles the second consumer of a worker: it takes messages from the delivery queue and calls webhooks."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

from airlock.callables import Clock
from airlock.profiles import Profiles
from aws.clients import Clients
from aws.sqs.queue import Queue
from workers.deliveries.executor import DeliveryExecutor
from workers.deliveries.webhook_client import WebhookClient
from workers.intake.consumer import Consumer, Limits
from workers.intake.gate import Gate
from workers.settings import Settings


@contextlib.asynccontextmanager
async def delivery_consumer(
    settings: Settings, profiles: Profiles, secrets: Mapping[str, Sequence[str]], clients: Clients, now: Clock
) -> AsyncIterator[Consumer]:
    """A consumer of the delivery queue; its queue and its connections are closed at the end.

    `secrets` has the signing secrets of each webhook.
    """
    limits = Limits(settings.webhook_concurrency, settings.visibility, settings.poll_seconds, settings.drain_seconds)
    networks, connections = settings.webhook_networks, settings.webhook_concurrency
    async with (
        Queue.open(settings, clients, name=settings.delivery_queue) as queue,
        WebhookClient.open(profiles.webhooks, secrets, networks, connections) as client,
    ):
        executor = DeliveryExecutor(client, now)
        yield Consumer(queue, executor.execute, settings.undelivered_queue, limits, Gate(_no_engines))


async def _no_engines() -> None:
    """A delivery needs no engine."""
