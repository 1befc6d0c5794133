"""What is done with dead letters: sent back, or dropped."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

from airlock.errors import BadNotification
from ops.dead_letters.box import Box, to_its_end
from ops.dead_letters.groups import Groups
from ops.dead_letters.letter import Letter
from ops.dead_letters.selection import Selection
from workers.deliveries.delivery import Delivery

Rewrite = Callable[[Letter], str | None]
"""The body to send back for a letter; None for one that nobody could ever work on."""


@dataclass
class Tally:
    """How many letters were looked at, and by cause those that were (or would be) worked on, or had to be left."""

    looked: int = 0
    done: Groups = field(default_factory=Groups)
    left: Groups = field(default_factory=Groups)


def as_it_is(letter: Letter) -> str:
    """An object's notification is sent back unchanged."""
    return letter.body


def renewed(now: float) -> Rewrite:
    """A delivery to a webhook gets its day again, from `now` on (seconds since the epoch)."""

    def rewrite(letter: Letter) -> str | None:
        try:
            return Delivery.parse(letter.body).model_copy(update={"published_at": now}).to_text()
        except BadNotification:
            return None

    return rewrite


async def redrive(
    box: Box, meant: Selection, now: float, tally: Tally, *, to: str, rewrite: Rewrite, rate: float | None, dry: bool
) -> AsyncIterator[int]:
    """Send the letters that are meant to the queue `to`, `rate` a second on average in bursts of ten; with `dry` only
    count them. Yields how many were looked at since the last time.
    """
    address = await box.address(to)
    clock = asyncio.get_running_loop().time
    async for looked, letters in meant.of(box, now):
        began = clock()
        bodies = [(letter, rewrite(letter)) for letter in letters]
        tally.left.add(letter for letter, body in bodies if body is None)
        able = [(letter, body) for letter, body in bodies if body is not None]
        if not dry:
            await to_its_end(_all(_moved(box, letter, address, body, tally) for letter, body in able))
        else:
            tally.done.add(letter for letter, _ in able)
        tally.looked += looked
        yield looked
        if rate and able and not dry:
            await asyncio.sleep(len(able) / rate - (clock() - began))


async def _moved(box: Box, letter: Letter, to: str, body: str, tally: Tally) -> None:
    await box.move(letter, to, body)
    tally.done.add([letter])


async def drop(box: Box, meant: Selection, now: float, tally: Tally, *, dry: bool) -> AsyncIterator[int]:
    """Delete the letters that are meant; otherwise as `redrive`."""
    async for looked, letters in meant.of(box, now):
        if not dry:
            await to_its_end(_all(_dropped(box, letter, tally) for letter in letters))
        else:
            tally.done.add(letters)
        tally.looked += looked
        yield looked


async def _dropped(box: Box, letter: Letter, tally: Tally) -> None:
    await box.drop(letter)
    tally.done.add([letter])


async def _all(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all to the end, whatever becomes of one; raises what one of them raised."""
    for failure in await asyncio.gather(*works, return_exceptions=True):
        if failure is not None:
            raise failure
