"""ops.command_line.throttle: calls to a dependency that is unavailable are repeated, for a while."""

import pytest

from airlock.errors import Unavailable
from ops.command_line.throttle import ATTEMPTS, Throttle


async def test_a_call_is_repeated_and_the_last_failure_raised() -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def unavailable() -> int:
        if len(pauses) < failures:
            raise Unavailable("s3", "it is unavailable")
        return 7

    throttle = Throttle(1, lambda: 0.0, sleep)
    failures = ATTEMPTS - 1
    assert await throttle.retry(unavailable) == 7
    pauses.clear()
    failures += 1
    with pytest.raises(Unavailable):
        await throttle.retry(unavailable)
    assert pauses == [1, 2, 4, 8]
