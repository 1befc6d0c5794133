"""The work on one message: what it holds, what came of each record, and so what is to happen with the message."""

import asyncio
import logging
import random
from typing import assert_never

from airlock import events
from airlock.backoff import Backoff
from airlock.callables import Uniform
from airlock.errors import BadNotification, Unavailable
from airlock.events import Event, ObjectCreated, RescanRequested, WithdrawalRequested
from aws.dynamodb.records import Record
from aws.sqs.queue import Message
from workers.intake.disposition import Bury, Disposition, Done, Retry, gravest
from workers.journey import Journey
from workers.rescan import Rescan

log = logging.getLogger(__name__)

# After the first failure 1 to 2 s, then 6 times as long each: five attempts take some nine minutes, which outlasts a
# clamd that reloads its database. SQS keeps a message hidden for 12 hours at most; 15 minutes is enough.
BACKOFF = Backoff(first=2.0, growth=6.0, longest=900.0, jitter=0.5)


class Executor:
    """Gives up on a message at its `max_attempts`-th delivery. `uniform` draws between two bounds."""

    def __init__(
        self,
        journey: Journey,
        rescan: Rescan,
        max_attempts: int,
        *,
        uniform: Uniform = random.uniform,
    ) -> None:
        self._journey = journey
        self._rescan = rescan
        self._max_attempts = max_attempts
        self._uniform = uniform

    async def execute(self, message: Message) -> Disposition:
        """Work on all records of a message. Raises nothing, whatever is in it and whatever fails."""
        try:
            found = events.parse(message.body)
        except BadNotification as problem:
            return Bury(problem.reason)
        return gravest([await self._attempt(event, message.receive_count) for event in found])

    async def _attempt(self, event: Event, attempt: int) -> Disposition:
        if attempt > self._max_attempts:
            # Nobody said what happened: each worker that had it ended before it could.
            return await self._fail(event, attempt, f"the worker ended in each of {attempt - 1} attempts")
        try:
            return await self._work(event, attempt)
        except Unavailable as problem:
            reason = str(problem)
            log.warning("not possible now: %s", reason, extra={"object": _subject(event), "attempt": attempt})
        except Exception:
            reason = "an unexpected error of ours, which its log tells"
            log.exception("unexpected", extra={"object": _subject(event), "attempt": attempt})
        if attempt >= self._max_attempts:
            return await self._fail(event, attempt, f"after {attempt} attempts: {reason}")
        return Retry(self.pause(attempt))

    async def _work(self, event: Event, attempt: int) -> Disposition:
        match event:
            case ObjectCreated():
                clock = asyncio.get_running_loop().time
                begin = clock()
                disposition, record = await self._journey.arrive(event)
                if record is not None:
                    _log_settled(record, attempt, clock() - begin)
                return disposition
            case WithdrawalRequested(upload):
                disposition = await self._journey.withdraw(upload)
                if disposition == Done():
                    log.info("withdrawn", extra={"upload": upload, "attempt": attempt})
                return disposition
            case RescanRequested(upload):
                return await self._rescan.rescan(upload)
            case _:
                assert_never(event)

    async def _fail(self, event: Event, attempt: int, reason: str) -> Disposition:
        try:
            if isinstance(event, ObjectCreated):
                await self._journey.give_up(event, reason)
        except Unavailable as problem:
            return Retry(self.pause(attempt)) if attempt <= 2 * self._max_attempts else Bury(f"{reason}; {problem}")
        except Exception:
            log.exception("unexpected", extra={"object": _subject(event), "attempt": attempt})
        return Bury(reason)

    def pause(self, attempt: int) -> float:
        """Seconds until the next try after the `attempt`-th (from 1) failed."""
        return BACKOFF.pause(attempt, self._uniform)


def _subject(event: Event) -> str:
    return event.key if isinstance(event, ObjectCreated) else event.upload


def _log_settled(record: Record, attempt: int, seconds: float) -> None:
    verdict = record.verdict
    log.info(
        "settled",
        extra={
            "upload": record.id,
            "owner": record.owner,
            "profile": record.profile,
            "outcome": record.state.value,
            "codes": [finding.code for finding in verdict.findings] if verdict else [],
            "bytes": verdict.bytes if verdict else None,
            "ms": round(seconds * 1000, 1),
            "attempt": attempt,
        },
    )
