"""The second consumer of a worker: the one of the delivery queue."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

from airlock.callables import Clock
from airlock.errors import AirlockError
from airlock.profiles import Profiles
from aws.session import Clients
from aws.sqs.queue import Queue
from workers.deliveries import secrets
from workers.deliveries.courier import Courier
from workers.deliveries.deliverer import Deliverer
from workers.deliveries.secrets import WebhookSecretsError
from workers.intake.consumer import Consumer, Limits
from workers.intake.gate import Gate
from workers.settings import Settings


def load_secrets(profiles: Profiles, settings: Settings) -> Mapping[str, Sequence[str]]:
    """The secrets of all webhooks that profiles notify; raises WebhookSecretsError, or OSError."""
    webhooks = profiles.notified("webhook")
    if not webhooks:
        return {}
    if settings.webhook_secrets is None:
        raise WebhookSecretsError(f"AIRLOCK_WEBHOOK_SECRETS is needed for the webhooks {', '.join(webhooks)}")
    try:
        return secrets.load(settings.webhook_secrets.read_text("utf-8"), webhooks)
    except AirlockError as error:
        raise WebhookSecretsError(f"{settings.webhook_secrets}: {error}") from None


@contextlib.asynccontextmanager
async def delivering(
    settings: Settings, profiles: Profiles, signing: Mapping[str, Sequence[str]], clients: Clients, now: Clock
) -> AsyncIterator[Consumer]:
    """A consumer that brings what lies on the delivery queue to the webhooks. `now` gives seconds since the epoch."""
    limits = Limits(settings.webhook_concurrency, settings.visibility, settings.poll_seconds, settings.drain_seconds)
    async with (
        Queue.open(settings, clients, name=settings.delivery_queue) as queue,
        Courier.open(profiles.webhooks, signing, settings.webhook_networks, settings.webhook_concurrency) as courier,
    ):
        deliverer = Deliverer(courier, now)
        yield Consumer(queue, deliverer.execute, settings.undelivered_queue, limits, Gate(_nothing_to_wait_for))


async def _nothing_to_wait_for() -> None:
    """No engine is needed to deliver."""
