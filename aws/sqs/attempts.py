"""Bounded retries of a request to SQS, and its failures as errors of ours."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import aiohttp

from airlock.errors import Unavailable
from aws.retry import RetryPolicy, Transient
from aws.sqs.answers import Element, Refusal, UnreadableAnswer
from aws.sqs.client import Client, ServerError

TOO_MANY_REQUESTS = 429
# Refusals that pass, beside every answer of 500 and above.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
PASSING = frozenset({"KmsThrottled", "RequestThrottled", "Throttling", "ThrottlingException"})

T = TypeVar("T")


class Attempts:
    """Makes requests, as often as `retry` says."""

    def __init__(self, client: Client, retry: RetryPolicy) -> None:
        self._client = client
        self._retry = retry

    async def make(self, params: dict[str, Any], read: Callable[[Element], T]) -> T:
        """Send `params` and return what `read` finds in the answer.

        Raises Unavailable("sqs") for a refusal at once, and for what can pass after the last attempt.
        """
        return await self._retry.run(functools.partial(self._once, params, read))

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
        raise Transient("sqs", f"unreadable answer ({type(error).__name__})") from error
    except (aiohttp.ClientError, OSError) as error:
        raise Transient("sqs", type(error).__name__) from error


def _of(passing: bool, detail: str) -> Unavailable:
    return (Transient if passing else Unavailable)("sqs", detail)
