"""The work on one message: reads its events, has each worked on, and says what is to happen with the message."""

import contextlib
import logging
import random
from collections.abc import Mapping, Sequence
from typing import Protocol, assert_never

from airlock import events
from airlock.backoff import Backoff
from airlock.callables import Clock, Uniform
from airlock.errors import BadNotification, DoesNotFit, Outage, Unavailable, UnknownRequest, VersionGone
from airlock.events import Event, ObjectCreated, RescanRequested, WithdrawalRequested
from aws.sqs.answers import Message
from workers.intake import waiting
from workers.intake.admission import Admission, NotOurs, Skewed
from workers.intake.arrival import Arrival
from workers.intake.disposition import Bury, Disposition, Retry, gravest
from workers.intake.skews import Skews

log = logging.getLogger(__name__)

# After the first failure 1 to 2 s, then 6 times as long each: five attempts take some nine minutes, which is longer
# than a clamd takes to reload its database. SQS could hide a message for up to 12 hours.
BACKOFF = Backoff(first=2.0, growth=6.0, longest=900.0, jitter=0.5)


class Journey(Protocol):
    """The calls that are made of `workers.journey.Journey`. Each raises Unavailable."""

    async def earlier(self, arrival: Arrival) -> Sequence[ObjectCreated]: ...

    async def arrive(self, arrival: Arrival) -> Disposition: ...

    async def gone(self, upload: str, event: ObjectCreated) -> Disposition: ...

    async def give_up(self, upload: str, version_id: str, reason: str) -> None: ...


class Withdrawal(Protocol):
    """The call that is made of `workers.settlement.withdrawal.Withdrawal`. It raises Unavailable."""

    async def withdraw(self, upload: str) -> Disposition: ...


class Rescan(Protocol):
    """The call that is made of `workers.rescan.Rescan`. It raises Unavailable."""

    async def rescan(self, upload: str) -> Disposition: ...


class Executor:
    """Gives up on a message at its `max_attempts`-th delivery. What an outage or another configuration keeps from being
    worked on waits, and costs no delivery: see `workers.intake.waiting`. `skews` has what this configuration lacks.
    """

    def __init__(
        self,
        admission: Admission,
        journey: Journey,
        withdrawal: Withdrawal,
        rescan: Rescan,
        max_attempts: int,
        now: Clock,
        *,
        uniform: Uniform = random.uniform,
    ) -> None:
        self._admission = admission
        self._journey = journey
        self._withdrawal = withdrawal
        self._rescan = rescan
        self._max_attempts = max_attempts
        self._now = now
        self.skews = Skews(now)
        self._uniform = uniform

    async def execute(self, message: Message) -> Disposition:
        """Work on all events of a message. Raises nothing, whatever the message holds and whatever fails."""
        try:
            found = events.parse(message.body)
        except UnknownRequest as problem:
            return self._skewed(message, problem.reason, {"attempt": message.receive_count})
        except BadNotification as problem:
            return Bury(problem.reason)
        return gravest([await self._attempt(event, message) for event in found])

    async def _attempt(self, event: Event, message: Message) -> Disposition:
        attempt = message.receive_count
        if attempt > self._max_attempts:
            # No worker recorded a failure: each that received the message ended before it could.
            return await self._give_up(event, message, f"the worker ended in each of {attempt - 1} attempts")
        try:
            return await self._work(event)
        except NotOurs as problem:
            return Bury(str(problem))
        except Skewed as problem:
            return self._skewed(message, str(problem), _facts(event, message))
        except DoesNotFit as problem:
            return await self._give_up(event, message, str(problem))
        except Unavailable as problem:
            return await self._failed(event, message, str(problem), outage=isinstance(problem, Outage))
        except Exception:
            log.exception("the attempt failed: unexpected error", extra=_facts(event, message))
        return await self._count(event, message, "an unexpected error, see the worker's log")

    def _skewed(self, message: Message, reason: str, facts: Mapping[str, object]) -> Disposition:
        self.skews.add(reason)
        log.warning("this worker's configuration or version lacks something: %s", reason, extra=facts)
        return waiting.wait(message, self._now(), self._uniform) or Bury(f"after a day: {reason}")

    async def _failed(self, event: Event, message: Message, reason: str, *, outage: bool) -> Disposition:
        wait = waiting.wait(message, self._now(), self._uniform) if outage else None
        if wait is not None:
            log.warning("an outage, which costs no attempt: %s", reason, extra=_facts(event, message))
            return wait
        log.warning("the attempt failed: %s", reason, extra=_facts(event, message))
        return await self._count(event, message, reason)

    async def _count(self, event: Event, message: Message, reason: str) -> Disposition:
        attempt = message.receive_count
        if attempt >= self._max_attempts:
            return await self._give_up(event, message, f"after {attempt} attempts: {reason}")
        return Retry(self.pause(attempt))

    async def _work(self, event: Event) -> Disposition:
        match event:
            case ObjectCreated():
                return await self._object_created(event)
            case WithdrawalRequested(upload):
                return await self._withdrawal.withdraw(upload)
            case RescanRequested(upload):
                return await self._rescan.rescan(upload)
            case _:
                assert_never(event)

    async def _object_created(self, event: ObjectCreated) -> Disposition:
        try:
            async with self._admission.admit(event) as arrival:
                for earlier in await self._journey.earlier(arrival):
                    # An earlier object that is not ours is not an upload: then the next one was the first.
                    with contextlib.suppress(NotOurs):
                        await self._object_created(earlier)
                        break
                return await self._journey.arrive(arrival)
        except VersionGone:
            return await self._journey.gone(self._admission.upload_of(event), event)

    async def _give_up(self, event: Event, message: Message, reason: str) -> Disposition:
        attempt = message.receive_count
        try:
            if isinstance(event, ObjectCreated):
                await self._journey.give_up(self._admission.upload_of(event), event.version_id, reason)
        except (NotOurs, Skewed) as problem:
            log.info("nothing to record: %s", problem, extra=_facts(event, message))
        except Unavailable as problem:
            if wait := waiting.wait(message, self._now(), self._uniform):
                return wait
            return Retry(self.pause(attempt)) if attempt <= 2 * self._max_attempts else Bury(f"{reason}; {problem}")
        except Exception:
            log.exception("the failure was not recorded: unexpected error", extra=_facts(event, message))
        return Bury(reason)

    def pause(self, attempt: int) -> float:
        """Seconds between the failure of the `attempt`-th delivery (from 1) and the next."""
        return BACKOFF.pause(attempt, self._uniform)


def _facts(event: Event, message: Message) -> dict[str, object]:
    subject = event.key if isinstance(event, ObjectCreated) else event.upload
    return {"object": subject, "attempt": message.receive_count}
