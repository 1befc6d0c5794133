"""What is tried again: by whom, how often, and for how long at most. Read this before you add a retry.

aiohttp
    Sends an idempotent request once more when a kept-alive connection turns out to be closed. In botocore's clients
    that is turned off (`aws.clients`): a copy that was made already would be made twice, and nothing would show it. For
    receiving from SQS it is left on: a message that was lost with an answer comes again after its visibility timeout.
botocore, in every client of `aws.clients.connect`: `BOTOCORE`
    Three tries. It repeats failed connections, timeouts, the statuses 500, 502, 503 and 504, and throttling, after
    random pauses of up to 1 and 2 seconds. A client whose requests keep failing spends its quota of retries, and
    repeats nothing until requests succeed again. A try ends when connecting takes longer than 5 seconds or the next
    byte longer than 60, so that a server which never answers is given up after some three minutes.
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
DynamoDB: `DYNAMODB`
    What it answers with 200 and has not done (UnprocessedKeys), or cancels because of another writer
    (TransactionConflict): botocore does not repeat these. Six tries, whose pauses are 3.1 seconds together at most.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
SQS, receiving: `SQS`
    aiosqs repeats nothing. Four tries, whose pauses are 1.4 seconds together at most.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
Credentials: `aws.credentials`
    Those that cannot be refreshed are asked for every five seconds, without an end; those held are used meanwhile.

What still fails is Unavailable, and the caller decides. The worker has the message delivered again, after an Outage
without counting an attempt (`workers.intake.executor`), and receives again once everything answers
(`workers.intake.gate`). The service answers 503 and leaves it to its client. A command makes up to five attempts
(`ops.command_line`).
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from airlock.backoff import Backoff
from airlock.callables import Sleep, Uniform
from airlock.errors import Outage

T = TypeVar("T")

BOTOCORE: Any = {"mode": "standard", "total_max_attempts": 3}


class Transient(Outage):
    """The dependency did not do what was asked, but may do it if it is asked again."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """At most `attempts`, with the pauses of `backoff` between them. `sleep` and `uniform` are replaced by tests."""

    attempts: int
    backoff: Backoff
    sleep: Sleep = asyncio.sleep
    uniform: Uniform = random.uniform

    async def run(self, call: Callable[[], Awaitable[T]]) -> T:
        """What `call` returns. It is called again while it raises Transient; the last one is raised."""
        for failures in range(1, self.attempts):
            try:
                return await call()
            except Transient:
                await self.sleep(self.backoff.pause(failures, self.uniform))
        return await call()


DYNAMODB = RetryPolicy(6, Backoff(first=0.1, longest=1.6, jitter=1))
SQS = RetryPolicy(4, Backoff(first=0.2, longest=0.8, jitter=1))
