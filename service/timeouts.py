"""How long the service waits for its dependencies."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from airlock.errors import Unavailable

# Long enough for the adapters' own retries of a refused or lost connection; short enough for a caller to wait.
TIMEOUT_SECONDS = 8.0

T = TypeVar("T")


async def with_timeout(dependency: str, call: Awaitable[T], *, seconds: float = TIMEOUT_SECONDS) -> T:
    """The result of `call`; raises Unavailable(dependency) when it takes longer than `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            return await call
    except TimeoutError as error:
        raise Unavailable(dependency, f"no response within {seconds:g} s") from error
