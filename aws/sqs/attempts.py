"""Bounded retries of a request to SQS, and its failures as errors of ours."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import aiohttp

from airlock.callables import Sleep, Uniform
from airlock.errors import Unavailable
from aws.sqs.answers import Element, Refusal, UnreadableAnswer
from aws.sqs.client import Client, ServerError

ATTEMPTS = 4
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
TOO_MANY_REQUESTS = 429
# Refusals that pass, beside every answer of 500 and above.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
PASSING = frozenset({"KmsThrottled", "RequestThrottled", "Throttling", "ThrottlingException"})

T = TypeVar("T")


class _Passing(Unavailable):
    """Worth another try at once."""


class Attempts:
    """Makes requests up to four times, with pauses of random length up to 0.2, 0.4, 0.8 s.

    `sleep(seconds)` pauses; `uniform(low, high)` chooses how long.
    """

    def __init__(self, client: Client, sleep: Sleep, uniform: Uniform) -> None:
        self._client = client
        self._sleep = sleep
        self._uniform = uniform

    async def make(self, params: dict[str, Any], read: Callable[[Element], T]) -> T:
        """Send `params` and return what `read` finds in the answer.

        Raises Unavailable("sqs") for a refusal at once, and for what can pass after the last attempt.
        """
        for pause in (FIRST_PAUSE * 2**attempt for attempt in range(ATTEMPTS - 1)):
            with contextlib.suppress(_Passing):
                return await self._once(params, read)
            await self._sleep(self._uniform(0, min(LONGEST_PAUSE, pause)))
        return await self._once(params, read)

    async def _once(self, params: dict[str, Any], read: Callable[[Element], T]) -> T:
        with _translated():
            return read(await self._client.request(params))


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except Refusal as refusal:
        passing = refusal.status >= 500 or refusal.code in PASSING
        raise _of(passing, refusal.code) from refusal
    except ServerError as error:
        raise _of(error.status >= 500 or error.status == TOO_MANY_REQUESTS, str(error)) from error
    except (UnreadableAnswer, ValueError, KeyError) as error:
        raise _Passing("sqs", f"unreadable answer ({type(error).__name__})") from error
    except (aiohttp.ClientError, OSError) as error:
        raise _Passing("sqs", type(error).__name__) from error


def _of(passing: bool, detail: str) -> Unavailable:
    return (_Passing if passing else Unavailable)("sqs", detail)
