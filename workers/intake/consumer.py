"""The queue's loop. How it works:

- One task polls. It receives no more messages than there are free slots, and none while the gate is closed.
- Each message is worked on in a task of its own, which calls `execute` and then acts on the disposition. Nothing else
  in the worker acknowledges, extends, retries or buries a message.
- A heartbeat keeps every message in flight hidden, three times in each visibility timeout.
- A message is deleted only when its disposition is Done, or once it was sent to the dead-letter queue, or again to this
  queue because it waits. An acknowledgement that fails costs a redelivery, never a message.
- On stop nothing new is begun. What is in flight may finish within the drain time, and is kept hidden meanwhile.
  What is left then is cancelled and given back to the queue, and the last acknowledgements are sent.

Why it stops in that order: a poll that is cancelled can still be answered by SQS, with messages that stay hidden until
their visibility timeout ends, those that were just given back among them. So no poll is longer than the drain time,
one that is out when the worker stops comes back by itself, and messages are given back last, when no poll and no
heartbeat could hide them again.
"""

import asyncio
import contextlib
import logging
import math
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, assert_never

from airlock.backoff import Backoff
from airlock.callables import Uniform
from airlock.errors import Unavailable
from aws.sqs.answers import Message
from workers.intake.acknowledgements import Acknowledgements, Deletes
from workers.intake.disposition import Bury, Disposition, Done, Retry, Wait
from workers.intake.gate import Gate
from workers.intake.waiting import attributes

log = logging.getLogger(__name__)

# The most messages that SQS gives to one receive.
BATCH = 10
# Seconds to wait for more free slots before receiving for those there are: one request then fills several.
GATHER = 0.01
# Seconds between receives that found nothing and did not wait either (AIRLOCK_POLL_SECONDS=0).
SHORT_POLL_PAUSE = 0.1
# Seconds that are left of the drain time when a poll ends.
AFTER_POLL = 1
BACKOFF = Backoff(first=1.0, longest=30.0, jitter=0.5)
# SQS takes 256 KiB for body and attributes together; a reason needs no more than this.
REASON_LENGTH = 1000

Execute = Callable[[Message], Awaitable[Disposition]]


class Queue(Deletes, Protocol):
    """The calls that are made of `aws.sqs.queue.Queue`, and its name. Each raises Unavailable."""

    name: str

    async def receive(self, most: int, wait: int, visibility: int) -> list[Message]: ...

    async def extend(self, receipts: Sequence[str], seconds: int) -> list[str]: ...

    async def send(
        self, queue_name: str, body: str, attributes: Mapping[str, str] | None = None, *, delay: int = 0
    ) -> str: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """`concurrency` is how many messages are worked on at once; the others are in seconds."""

    concurrency: int
    visibility: int
    poll: int
    drain: float

    @property
    def longest_poll(self) -> int:
        """Seconds for which a receive waits: those of `poll`, unless the drain time would end before."""
        return min(self.poll, max(1, int(self.drain) - AFTER_POLL))


class Consumer:
    """`execute` works on a message and raises nothing. Messages are buried in the queue `dead_letters`."""

    def __init__(
        self,
        queue: Queue,
        execute: Execute,
        dead_letters: str,
        limits: Limits,
        gate: Gate,
        *,
        uniform: Uniform = random.uniform,
    ) -> None:
        self._queue = queue
        self._execute = execute
        self._dead_letters = dead_letters
        self._limits = limits
        self._gate = gate
        self._uniform = uniform
        self._acknowledgements = Acknowledgements(queue)
        self._in_flight: dict[asyncio.Task[None], Message] = {}
        self._freed = asyncio.Event()
        self._failures = 0
        self._refusals = 0
        self._running = False
        self._polling = False

    @property
    def alive(self) -> bool:
        """Whether the loop runs and the last receive succeeded."""
        return self._running and not self._failures

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then drain; returns when every message is finished or given back."""
        heartbeat = asyncio.create_task(self._keep_hidden(), name="heartbeat")
        background = [heartbeat, asyncio.create_task(self._acknowledgements.run(), name="acknowledgements")]
        self._running = True
        try:
            poll = await self._receive_until(stop)
            await self._drain(poll, heartbeat)
        finally:
            self._running = False
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            # Last, when nothing adds to them any more.
            await self._acknowledgements.flush()

    async def _receive_until(self, stop: asyncio.Event) -> "asyncio.Task[None]":
        """Receive until `stop` is set; returns the poll that has not ended yet."""
        stopped = asyncio.create_task(stop.wait())
        poll = asyncio.create_task(self._receive(stop))
        while not stop.is_set():
            await asyncio.wait((poll, stopped), return_when=asyncio.FIRST_COMPLETED)
            if poll.done() and not stop.is_set():
                poll = asyncio.create_task(self._receive(stop))
        await stopped
        return poll

    async def _receive(self, stop: asyncio.Event) -> None:
        free = await self._free_slots()
        if stop.is_set() or not await self._gate_is_open(stop):
            return
        messages = await self._poll(min(free, BATCH), stop)
        if stop.is_set():
            await self._give_back(messages)
            return
        for message in messages:
            task = asyncio.create_task(self._work(message))
            self._in_flight[task] = message
            task.add_done_callback(self._finished)

    async def _gate_is_open(self, stop: asyncio.Event) -> bool:
        """False after a pause, where the gate stayed closed."""
        try:
            await self._gate.wait_open()
        except Unavailable:
            self._refusals += 1
            # What is unavailable is logged where it was asked.
            await _pause(BACKOFF.pause(self._refusals, self._uniform), stop)
            return False
        self._refusals = 0
        return True

    async def _poll(self, most: int, stop: asyncio.Event) -> list[Message]:
        """Up to so many messages; none after a pause, where the receive failed."""
        wait = self._limits.longest_poll
        self._polling = True
        try:
            messages = await self._queue.receive(most, wait, self._limits.visibility)
        except Exception as error:  # noqa: BLE001 # the loop goes on, whatever failed
            self._failures += 1
            await self._back_off(error, self._failures, stop)
            return []
        finally:
            self._polling = False
        self._failures = 0
        if not messages and not wait:
            await _pause(SHORT_POLL_PAUSE, stop)
        return messages

    async def _free_slots(self) -> int:
        """Wait until there is a free slot; returns how many there are."""
        wanted = min(BATCH, self._limits.concurrency)
        while not (free := self._limits.concurrency - len(self._in_flight)):
            self._freed.clear()
            await self._freed.wait()
        if free < wanted:
            await asyncio.sleep(GATHER)
        return self._limits.concurrency - len(self._in_flight)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        del self._in_flight[task]
        self._freed.set()

    async def _back_off(self, error: Exception, failures: int, stop: asyncio.Event) -> None:
        pause = BACKOFF.pause(failures, self._uniform)
        known = isinstance(error, Unavailable)
        log.warning("cannot receive, next try in %.1f s: %s", pause, error, exc_info=None if known else error)
        await _pause(pause, stop)

    async def _work(self, message: Message) -> None:
        disposition = await self._execute(message)
        try:
            await self._act(message, disposition)
        except Unavailable as error:
            # The message stays hidden until its visibility timeout ends, and is then delivered again.
            log.warning("could not act on a message: %s", error, extra={"message_id": message.id})

    async def _act(self, message: Message, disposition: Disposition) -> None:
        match disposition:
            case Done():
                self._acknowledgements.add(message.receipt)
            case Retry(after):
                self._gate.close()
                await self._queue.extend([message.receipt], math.ceil(after))
            case Wait(after):
                self._gate.close()
                await self._send_again(message, math.ceil(after), attributes(disposition))
            case Bury(reason):
                log.warning("buried: %s", reason, extra={"message_id": message.id, "attempt": message.receive_count})
                why = {"airlock-reason": reason[:REASON_LENGTH], "airlock-attempts": str(message.receive_count)}
                await self._queue.send(self._dead_letters, message.body, why)
                self._acknowledgements.add(message.receipt)
            case _:
                assert_never(disposition)

    async def _send_again(self, message: Message, after: int, waiting: Mapping[str, str]) -> None:
        try:
            await self._queue.send(self._queue.name, message.body, waiting, delay=after)
        except Unavailable as error:
            log.warning("the attempt counts, since the message cannot be sent again: %s", error)
            await self._queue.extend([message.receipt], after)
        else:
            self._acknowledgements.add(message.receipt)

    async def _keep_hidden(self) -> None:
        """The heartbeat: three in each visibility timeout, so that one lost request does no harm."""
        while True:
            await asyncio.sleep(self._limits.visibility / 3)
            receipts = [message.receipt for message in self._in_flight.values()]
            try:
                if receipts:
                    await self._queue.extend(receipts, self._limits.visibility)
            except Unavailable as error:
                log.warning("the heartbeat failed: %s", error)

    async def _drain(self, poll: "asyncio.Task[None]", heartbeat: "asyncio.Task[None]") -> None:
        if self._in_flight:
            log.info("draining %d messages", len(self._in_flight))
        # The order is explained at the top of this file.
        if not self._polling:
            poll.cancel()
        await asyncio.wait((poll, *self._in_flight), timeout=self._limits.drain)
        poll.cancel()
        rest = dict(self._in_flight)
        for task in (heartbeat, *rest):
            task.cancel()
        await asyncio.gather(poll, heartbeat, *rest, return_exceptions=True)
        await self._give_back(list(rest.values()))

    async def _give_back(self, messages: Sequence[Message]) -> None:
        """Show messages to other workers at once."""
        if messages:
            log.info("giving back %d messages", len(messages))
            with contextlib.suppress(Unavailable):
                await self._queue.extend([message.receipt for message in messages], 0)


async def _pause(seconds: float, stop: asyncio.Event) -> None:
    """Sleep, but not longer than until `stop` is set."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
