"""The work on one message: reads its events, has each worked on, and says what is to happen with the message."""

import contextlib
import logging
import random
from collections.abc import Sequence
from typing import Protocol, assert_never

from airlock import events
from airlock.backoff import Backoff
from airlock.callables import Uniform
from airlock.errors import BadNotification, Unavailable, VersionGone
from airlock.events import Event, ObjectCreated, RescanRequested, WithdrawalRequested
from aws.sqs.answers import Message
from workers.intake.admission import Admission, NotOurs
from workers.intake.arrival import Arrival
from workers.intake.disposition import Bury, Disposition, Retry, gravest

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
    """Gives up on a message at its `max_attempts`-th delivery."""

    def __init__(
        self,
        admission: Admission,
        journey: Journey,
        withdrawal: Withdrawal,
        rescan: Rescan,
        max_attempts: int,
        *,
        uniform: Uniform = random.uniform,
    ) -> None:
        self._admission = admission
        self._journey = journey
        self._withdrawal = withdrawal
        self._rescan = rescan
        self._max_attempts = max_attempts
        self._uniform = uniform

    async def execute(self, message: Message) -> Disposition:
        """Work on all events of a message. Raises nothing, whatever the message holds and whatever fails."""
        try:
            found = events.parse(message.body)
        except BadNotification as problem:
            return Bury(problem.reason)
        return gravest([await self._attempt(event, message.receive_count) for event in found])

    async def _attempt(self, event: Event, attempt: int) -> Disposition:
        if attempt > self._max_attempts:
            # No worker recorded a failure: each that received the message ended before it could.
            return await self._give_up(event, attempt, f"the worker ended in each of {attempt - 1} attempts")
        facts = {"object": _subject(event), "attempt": attempt}
        try:
            return await self._work(event)
        except NotOurs as problem:
            return Bury(str(problem))
        except Unavailable as problem:
            reason = str(problem)
            log.warning("the attempt failed: %s", reason, extra=facts)
        except Exception:
            reason = "an unexpected error, see the worker's log"
            log.exception("the attempt failed: unexpected error", extra=facts)
        if attempt >= self._max_attempts:
            return await self._give_up(event, attempt, f"after {attempt} attempts: {reason}")
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

    async def _give_up(self, event: Event, attempt: int, reason: str) -> Disposition:
        try:
            if isinstance(event, ObjectCreated):
                await self._journey.give_up(self._admission.upload_of(event), event.version_id, reason)
        except NotOurs as problem:
            log.info("nothing to record: %s", problem, extra={"object": _subject(event), "attempt": attempt})
        except Unavailable as problem:
            return Retry(self.pause(attempt)) if attempt <= 2 * self._max_attempts else Bury(f"{reason}; {problem}")
        except Exception:
            log.exception(
                "the failure was not recorded: unexpected error",
                extra={"object": _subject(event), "attempt": attempt},
            )
        return Bury(reason)

    def pause(self, attempt: int) -> float:
        """Seconds between the failure of the `attempt`-th delivery (from 1) and the next."""
        return BACKOFF.pause(attempt, self._uniform)


def _subject(event: Event) -> str:
    return event.key if isinstance(event, ObjectCreated) else event.upload
