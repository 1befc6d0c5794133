"""The work on one message of the delivery queue: one try, and what is to happen with the message."""

import logging
import random
from typing import Protocol

from airlock.callables import Clock, Uniform
from airlock.errors import BadNotification
from aws.sqs.queue import Message
from workers.deliveries.courier import Answer
from workers.deliveries.delivery import Delivery
from workers.deliveries.schedule import pause
from workers.intake.disposition import Bury, Done, Outcome, Retry

log = logging.getLogger(__name__)


class Bringer(Protocol):
    """What tries once; see `courier.Courier`."""

    async def bring(self, delivery: Delivery, now: float) -> Answer: ...


class Deliverer:
    """`now` gives seconds since the epoch; `uniform` draws between two bounds."""

    def __init__(
        self,
        courier: Bringer,
        now: Clock,
        *,
        uniform: Uniform = random.uniform,
    ) -> None:
        self._courier = courier
        self._now = now
        self._uniform = uniform

    async def execute(self, message: Message) -> Outcome:
        """Try once. Raises nothing: what fails is tried again for a day, and then buried with the last answer."""
        try:
            delivery = Delivery.parse(message.body)
        except BadNotification as problem:
            return Bury(problem.reason)
        facts = {"webhook": delivery.webhook, "event": delivery.event_id, "attempt": message.receive_count}
        answer = await self._courier.bring(delivery, self._now())
        if answer.taken:
            log.info("delivered", extra=facts)
            return Done()
        again = None
        if not answer.final:
            again = pause(self._now() - delivery.since, self._uniform, asked=answer.asked)
        if again is None:
            return Bury(f"webhook {delivery.webhook}: after {message.receive_count} attempts: {answer.said}")
        log.warning("not delivered, next try in %.0f s: %s", again, answer.said, extra=facts)
        return Retry(again)
