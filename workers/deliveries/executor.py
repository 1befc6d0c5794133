"""The work on one message of the delivery queue: one attempt to send it, and what is to happen with the message."""

import logging
import random
from collections.abc import Mapping
from typing import Protocol

from airlock.callables import Clock, Uniform
from airlock.errors import BadNotification
from aws.sqs.answers import Message
from workers.deliveries.delivery import Delivery
from workers.deliveries.schedule import DAY, next_pause
from workers.deliveries.slots import Slots, pause
from workers.deliveries.webhook_client import SendResult
from workers.intake.disposition import Bury, Disposition, Done, Retry

log = logging.getLogger(__name__)


class Client(Protocol):
    """The call that is made of `webhook_client.WebhookClient`."""

    async def send(self, delivery: Delivery, now: float) -> SendResult: ...


class DeliveryExecutor:
    """Sends deliveries with `client`. `slots` has those of each webhook, by name."""

    def __init__(
        self, client: Client, slots: Mapping[str, Slots], now: Clock, *, uniform: Uniform = random.uniform
    ) -> None:
        self._client = client
        self._slots = slots
        self._now = now
        self._uniform = uniform

    async def execute(self, message: Message) -> Disposition:
        """Try once. Raises nothing: a failure is retried for a day, and then buried with the last error."""
        try:
            delivery = Delivery.parse(message.body)
        except BadNotification as problem:
            return Bury(problem.reason)
        slots, age = self._slots.get(delivery.webhook), self._now() - delivery.published_at
        if slots and age < DAY and (wait := slots.wait()) is not None:
            return Retry(pause(wait, age, self._uniform))
        result = await self._send(delivery, slots)
        return self._disposition(delivery, message, result)

    async def _send(self, delivery: Delivery, slots: Slots | None) -> SendResult:
        if slots is None:
            return await self._client.send(delivery, self._now())
        with slots.calling():
            result = await self._client.send(delivery, self._now())
        slots.ended(failed=not result.delivered and not result.permanent)
        return result

    def _disposition(self, delivery: Delivery, message: Message, result: SendResult) -> Disposition:
        facts = {"webhook": delivery.webhook, "event": delivery.event_id, "attempt": message.receive_count}
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
