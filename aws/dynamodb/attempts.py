"""Trying DynamoDB again, for what its client does not repeat by itself."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from airlock.callables import Sleep, Uniform
from airlock.errors import Unavailable
from aws.errors import translate

ATTEMPTS = 6
FIRST_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Attempts:
    """Up to six, with pauses of random length up to 0.1, 0.2, 0.4, 0.8 and 1.6 s.

    `sleep(seconds)` pauses; `uniform(low, high)` chooses how long.
    """

    sleep: Sleep = asyncio.sleep
    uniform: Uniform = random.uniform

    async def make(self, once: Callable[[], Awaitable[bool]], trouble: str) -> None:
        """Call `once` until it says that all is done; raises Unavailable("dynamodb"), which tells the trouble."""
        for attempt in range(ATTEMPTS):
            if attempt:
                await self.sleep(self.uniform(0, FIRST_PAUSE * 2**attempt))
            with translate("dynamodb"):
                if await once():
                    return
        raise Unavailable("dynamodb", trouble)


DEFAULT = Attempts()
