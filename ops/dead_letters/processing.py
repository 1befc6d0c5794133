"""Sends dead letters back to the queue that they came from, or deletes them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

from airlock.errors import BadNotification
from ops.dead_letters.dead_letter import DeadLetter
from ops.dead_letters.groups import CauseGroups
from ops.dead_letters.message_filter import MessageFilter
from ops.dead_letters.reader import DeadLetterReader, uninterrupted
from workers.deliveries.delivery import Delivery

Rewrite = Callable[[DeadLetter], str | None]
"""The body to send back for a message; None where no worker could process it."""


@dataclass
class Summary:
    """How many messages were read; by cause, those that were (or in a dry run would be) processed, and those that had
    to be left.
    """

    read: int = 0
    done: CauseGroups = field(default_factory=CauseGroups)
    left: CauseGroups = field(default_factory=CauseGroups)


def unchanged(message: DeadLetter) -> str:
    """The body for the queue of objects: the notification as it came."""
    return message.body


def renewed(now: float) -> Rewrite:
    """The body for the queue of deliveries: it is tried for one day from `now` (seconds since the epoch)."""

    def rewrite(message: DeadLetter) -> str | None:
        try:
            return Delivery.parse(message.body).model_copy(update={"published_at": now}).to_text()
        except BadNotification:
            return None

    return rewrite


@dataclass(frozen=True)
class Target:
    """Where messages are sent back to: the name of a queue, their bodies, and how many a second (None: no limit)."""

    queue: str
    rewrite: Rewrite
    rate: float | None


async def redrive(
    reader: DeadLetterReader, wanted: MessageFilter, now: float, summary: Summary, target: Target, *, dry_run: bool
) -> AsyncIterator[int]:
    """Send the selected messages back in batches of up to ten, at the target's rate on average.

    Yields how many were read since the last time. `now` is in seconds since the epoch. Raises Unavailable.
    """
    url = await reader.url_of(target.queue)
    clock = asyncio.get_running_loop().time
    async for count, messages in wanted.select(reader, now):
        began = clock()
        bodies = [(message, target.rewrite(message)) for message in messages]
        summary.left.add(message for message, body in bodies if body is None)
        sendable = [(message, body) for message, body in bodies if body is not None]
        if dry_run:
            summary.done.add(message for message, _ in sendable)
        else:
            await uninterrupted(_all(_move(reader, message, url, body, summary) for message, body in sendable))
        summary.read += count
        yield count
        if target.rate and sendable and not dry_run:
            await asyncio.sleep(len(sendable) / target.rate - (clock() - began))


async def _move(reader: DeadLetterReader, message: DeadLetter, url: str, body: str, summary: Summary) -> None:
    await reader.move(message, url, body)
    summary.done.add([message])


async def drop(
    reader: DeadLetterReader, wanted: MessageFilter, now: float, summary: Summary, *, dry_run: bool
) -> AsyncIterator[int]:
    """Delete the selected messages for good. Otherwise as `redrive`."""
    async for count, messages in wanted.select(reader, now):
        if dry_run:
            summary.done.add(messages)
        else:
            await uninterrupted(_all(_drop(reader, message, summary) for message in messages))
        summary.read += count
        yield count


async def _drop(reader: DeadLetterReader, message: DeadLetter, summary: Summary) -> None:
    await reader.drop(message)
    summary.done.add([message])


async def _all(coroutines: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all to their ends; then raise the first error of any."""
    for error in await asyncio.gather(*coroutines, return_exceptions=True):
        if error is not None:
            raise error
