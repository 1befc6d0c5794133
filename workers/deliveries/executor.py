"""The work on one message of the delivery queue: one attempt to send it, and what is to happen with the message."""

import logging
import random
from typing import Protocol

from airlock.callables import Clock, Uniform
from airlock.errors import BadNotification
from aws.sqs.answers import Message
from workers.deliveries.delivery import Delivery
from workers.deliveries.schedule import next_pause
from workers.deliveries.webhook_client import SendResult
from workers.intake.disposition import Bury, Disposition, Done, Retry

log = logging.getLogger(__name__)


class Client(Protocol):
    """The call that is made of `webhook_client.WebhookClient`."""

    async def send(self, delivery: Delivery, now: float) -> SendResult: ...


class DeliveryExecutor:
    """Sends deliveries with `client`."""

    def __init__(self, client: Client, now: Clock, *, uniform: Uniform = random.uniform) -> None:
        self._client = client
        self._now = now
        self._uniform = uniform

    async def execute(self, message: Message) -> Disposition:
        """Try once. Raises nothing: a failure is retried for a day, and then buried with the last error."""
        try:
            delivery = Delivery.parse(message.body)
        except BadNotification as problem:
            return Bury(problem.reason)
        facts = {"webhook": delivery.webhook, "event": delivery.event_id, "attempt": message.receive_count}
        result = await self._client.send(delivery, self._now())
        if result.delivered:
            log.info("delivered", extra=facts)
            return Done()
        after = None
        if not result.permanent:
            elapsed = self._now() - delivery.published_at
            after = next_pause(elapsed, self._uniform, retry_after=result.retry_after)
        if after is None:
            return Bury(f"webhook {delivery.webhook}: after {message.receive_count} attempts: {result.error}")
        log.warning("not delivered, next attempt in %.0f s: %s", after, result.error, extra=facts)
        return Retry(after)
