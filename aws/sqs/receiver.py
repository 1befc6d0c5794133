"""Receiving with aiosqs: its signing and its session under a request of ours, which keeps the whole answer."""

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiosqs import SQSClient  # type: ignore[import-untyped]  # it has no types
from yarl import URL

from airlock.errors import Outage
from aws import egress
from aws.credentials import CredentialSource
from aws.retry import RetryPolicy, Transient
from aws.sqs.answers import ErrorAnswer, Message, UnreadableAnswer, messages

VERSION = "2012-11-05"
# The longest that SQS lets a receive wait, and time for the answer to arrive.
LONGEST_POLL = 20
ANSWER_SECONDS = 10
TOO_MANY_REQUESTS = 429
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
THROTTLED = frozenset({"KmsThrottled", "RequestThrottled", "Throttling", "ThrottlingException"})


class Receiver(SQSClient):  # type: ignore[misc]  # as above
    """Receives from the queues of one endpoint. Each request is signed with the credentials of that moment.

    `endpoint` is scheme, host and port. It opens an aiohttp session, so it needs a running loop; `close` it.
    """

    def __init__(self, region: str, endpoint: str, credentials: CredentialSource, retry: RetryPolicy) -> None:
        super().__init__(
            region_name=region,
            aws_access_key_id="",
            aws_secret_access_key="",
            host=_host(endpoint),
            timeout_sec=LONGEST_POLL + ANSWER_SECONDS,
        )
        self._endpoint = endpoint.rstrip("/")
        self._proxy = egress.proxy(self._endpoint)
        self._tls = egress.authorities()
        self._credentials = credentials
        self._retry = retry

    async def close(self) -> None:
        """Close the session, without aiosqs's pause: nothing of ours is still being sent."""
        await self.session.close()

    async def receive(self, queue_url: str, most: int, wait: int, visibility: int) -> list[Message]:
        """Up to `most` messages of a queue; see `aws.sqs.queue.Queue.receive`. Raises Unavailable."""
        params = {
            "Action": "ReceiveMessage",
            "Version": VERSION,
            "QueueUrl": queue_url,
            "MaxNumberOfMessages": most,
            "WaitTimeSeconds": min(wait, LONGEST_POLL),
            "VisibilityTimeout": visibility,
            "AttributeName.1": "ApproximateReceiveCount",
            "MessageAttributeName.1": "All",
        }

        async def once() -> list[Message]:
            with _translated():
                return await self._send(params)

        return await self._retry.run(once)

    async def _send(self, params: dict[str, Any]) -> list[Message]:
        url, headers = self._signed(params)
        # `encoded`: the query that was signed is the one that is sent.
        async with self.session.get(
            URL(url, encoded=True), headers=headers, allow_redirects=False, proxy=self._proxy, ssl=self._tls
        ) as response:
            return messages(response.status, await response.read())

    def _signed(self, params: dict[str, Any]) -> tuple[str, dict[str, str]]:
        """The URL and the headers of a request."""
        keys = self._credentials.current()
        self.aws_access_key_id = keys.access_key_id
        self.aws_secret_access_key = keys.secret_access_key
        self.aws_session_token = keys.session_token
        signed = self.build_signed_request(params)
        return f"{self._endpoint}/?{signed.querystring}", signed.headers


def _host(endpoint: str) -> str:
    """The Host header that aiohttp sends to `endpoint`: with the port unless it is the scheme's own."""
    parts = urlsplit(endpoint)
    default = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else str(parts.hostname)
    return host if parts.port in (None, default) else f"{host}:{parts.port}"


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Raise Transient or Unavailable in place of what a request raises."""
    try:
        yield
    except ErrorAnswer as error:
        passing = error.status >= 500 or error.status == TOO_MANY_REQUESTS or error.code in THROTTLED
        raise (Transient if passing else Outage)("sqs", error.code) from error
    except UnreadableAnswer as error:
        raise Transient("sqs", f"the answer cannot be read: {error}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise Transient("sqs", type(error).__name__) from error
