"""A call that fails for a moment is made again, a bounded number of times."""

from collections.abc import Awaitable, Callable

import pytest

from airlock.backoff import Backoff
from airlock.errors import Unavailable
from aws.retry import DYNAMODB, SQS, RetryPolicy, Transient


def failing(times: int, error: Exception) -> Callable[[], Awaitable[str]]:
    left = [error] * times

    async def call() -> str:
        if left:
            raise left.pop()
        return "done"

    return call


def policy(pauses: list[float]) -> RetryPolicy:
    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    return RetryPolicy(3, Backoff(first=1, longest=60, jitter=1), sleep, lambda _, high: high)


@pytest.mark.parametrize("failures", [0, 1, 2])
async def test_the_result_is_that_of_the_first_try_that_succeeds(failures: int) -> None:
    pauses: list[float] = []
    assert await policy(pauses).run(failing(failures, Transient("sqs", "busy"))) == "done"
    assert pauses == [1, 2][:failures]


async def test_the_last_failure_is_raised() -> None:
    pauses: list[float] = []
    with pytest.raises(Unavailable, match="busy"):
        await policy(pauses).run(failing(3, Transient("sqs", "busy")))
    assert len(pauses) == 2


async def test_any_other_failure_is_raised_at_once() -> None:
    pauses: list[float] = []
    with pytest.raises(Unavailable, match="denied"):
        await policy(pauses).run(failing(1, Unavailable("sqs", "denied")))
    assert pauses == []


@pytest.mark.parametrize(("policy", "seconds"), [(DYNAMODB, 3.1), (SQS, 1.4)])
def test_all_pauses_together_are_as_long_as_the_module_says(policy: RetryPolicy, seconds: float) -> None:
    assert sum(policy.backoff.most(failures) for failures in range(1, policy.attempts)) == pytest.approx(seconds)
