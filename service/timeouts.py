"""How long the service waits for what it depends on."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from airlock.errors import Unavailable

# Long enough for the adapters' own retries of a refused or lost connection; short enough for a caller to wait.
PATIENCE = 8.0

T = TypeVar("T")


async def answer_of(dependency: str, work: Awaitable[T], *, seconds: float = PATIENCE) -> T:
    """What `work` gives; raises Unavailable(dependency) when that takes longer than `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as error:
        raise Unavailable(dependency, f"no answer within {seconds:g} s") from error
