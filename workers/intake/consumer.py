"""The queue's loop: receive, hand over, keep hidden while worked on, and acknowledge. Nothing else acknowledges."""

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
from aws.sqs.queue import Message
from workers.intake.acknowledgements import Acknowledgements, Deletes
from workers.intake.disposition import Bury, Disposition, Done, Retry
from workers.intake.gate import Gate

log = logging.getLogger(__name__)

# The most that one receive gives.
BATCH = 10
# How long to wait for more free slots before receiving for those there are: one request then fills several.
GATHER = 0.01
BACKOFF = Backoff(first=1.0, longest=30.0, jitter=0.5)
# SQS takes 256 KiB for body and attributes together, and a sentence needs no more.
REASON_LENGTH = 1000

Execute = Callable[[Message], Awaitable[Disposition]]


class Queue(Deletes, Protocol):
    """The calls that are made of `aws.sqs.queue.Queue`; each raises Unavailable."""

    async def receive(self, most: int, wait: int, visibility: int) -> list[Message]: ...

    async def extend(self, receipts: Sequence[str], seconds: int) -> list[str]: ...

    async def send(self, queue_name: str, body: str, attributes: Mapping[str, str] | None = None) -> str: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How many messages at once; the rest in seconds."""

    concurrency: int
    visibility: int
    poll: int
    drain: float


class Consumer:
    """`dead_letters` is the queue to which messages are buried. `uniform` draws between two bounds."""

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

    @property
    def alive(self) -> bool:
        """Whether the loop runs and its last receive was answered."""
        return self._running and not self._failures

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then drain: returns when everything is finished or given back."""
        heartbeat = asyncio.create_task(self._keep_hidden(), name="heartbeat")
        background = [heartbeat, asyncio.create_task(self._acknowledgements.run(), name="acknowledgements")]
        self._running = True
        try:
            poll = await self._receive_until(stop)
            # Nothing new is begun now; what is here is still kept hidden, or another worker would begin it meanwhile.
            await self._drain(poll, heartbeat)
        finally:
            self._running = False
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            # Last, when nothing adds to it any more.
            await self._acknowledgements.flush()

    async def _receive_until(self, stop: asyncio.Event) -> "asyncio.Task[None]":
        """Receive until `stop`; returns the poll that is still out."""
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
        if stop.is_set():
            return
        try:
            await self._gate.wait_open()
        except Unavailable as error:
            self._refusals += 1
            await self._back_off(error, self._refusals)
            return
        self._refusals = 0
        try:
            messages = await self._queue.receive(min(free, BATCH), self._limits.poll, self._limits.visibility)
        except Exception as error:  # noqa: BLE001 # whatever it is, the loop goes on
            self._failures += 1
            await self._back_off(error, self._failures)
            return
        self._failures = 0
        if stop.is_set():
            await self._give_back(messages)
            return
        for message in messages:
            task = asyncio.create_task(self._work(message))
            self._in_flight[task] = message
            task.add_done_callback(self._finished)

    async def _free_slots(self) -> int:
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

    async def _back_off(self, error: Exception, failures: int) -> None:
        pause = BACKOFF.pause(failures, self._uniform)
        known = isinstance(error, Unavailable)
        log.warning("cannot receive, next try in %.1f s: %s", pause, error, exc_info=None if known else error)
        await asyncio.sleep(pause)

    async def _work(self, message: Message) -> None:
        disposition = await self._execute(message)
        try:
            await self._act(message, disposition)
        except Unavailable as error:
            # It stays hidden for a while, comes again, and is then acted on.
            log.warning("could not act on a message: %s", error, extra={"message_id": message.id})

    async def _act(self, message: Message, disposition: Disposition) -> None:
        match disposition:
            case Done():
                self._acknowledgements.add(message.receipt)
            case Retry(after):
                self._gate.close()
                await self._queue.extend([message.receipt], math.ceil(after))
            case Bury(reason):
                log.warning("buried: %s", reason, extra={"message_id": message.id, "attempt": message.receive_count})
                told = {"airlock-reason": reason[:REASON_LENGTH], "airlock-attempts": str(message.receive_count)}
                await self._queue.send(self._dead_letters, message.body, told)
                self._acknowledgements.add(message.receipt)
            case _:
                assert_never(disposition)

    async def _keep_hidden(self) -> None:
        """Extend everything in flight three times in each visibility timeout, so that one lost request is no harm."""
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
            await asyncio.wait(self._in_flight, timeout=self._limits.drain)
        # The poll was left alone until now: broken off, SQS can still hand it messages, those that are given back
        # among them, which nobody sees before their visibility timeout. With a drain longer than a poll it is over.
        poll.cancel()
        rest = dict(self._in_flight)
        # A heartbeat that is on its way would hide again what is given back.
        for task in (heartbeat, *rest):
            task.cancel()
        await asyncio.gather(poll, heartbeat, *rest, return_exceptions=True)
        await self._give_back(list(rest.values()))

    async def _give_back(self, messages: Sequence[Message]) -> None:
        if messages:
            log.info("giving back %d messages", len(messages))
            with contextlib.suppress(Unavailable):
                await self._queue.extend([message.receipt for message in messages], 0)
