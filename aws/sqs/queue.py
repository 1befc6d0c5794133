"""The queue: receive, acknowledge and extend over aiosqs (the hot loop); send over aiobotocore."""

import contextlib
import logging
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from aws.errors import translate
from aws.retry import SQS, RetryPolicy
from aws.session import Clients
from aws.settings import AwsSettings
from aws.sqs import answers as sqs_answers
from aws.sqs.attempts import Attempts
from aws.sqs.client import LONGEST_POLL, Client

if TYPE_CHECKING:
    from types_aiobotocore_sqs import SQSClient

log = logging.getLogger(__name__)

BATCH = 10
# A receipt handle has some 400 characters, so ten fit as a rule; 8 KiB is where common servers and proxies stop
# reading a request line.
URL_LENGTH = 8_000
# A request's names and punctuation: without its entries, and for each of them.
BARE_LENGTH = 300
ENTRY_LENGTH = 200
# What SQS takes in a message: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
_NOT_FOR_SQS = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery of a message. `receive_count` starts at 1."""

    id: str
    receipt: str
    body: str
    receive_count: int


class Queue:
    """One queue to receive from, and any queue of the same account to send to. See `Queue.open`."""

    def __init__(self, attempts: Attempts, sqs: "SQSClient", name: str) -> None:
        self._attempts = attempts
        self._sqs = sqs
        self._name = name
        self._urls: dict[str, str] = {}

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls,
        settings: AwsSettings,
        clients: Clients,
        *,
        name: str | None = None,
        retry: RetryPolicy = SQS,
    ) -> AsyncIterator[Self]:
        """The queue of that name, or the one that `settings.queue` names.

        Nothing is sent yet, so that it opens while SQS is unavailable.
        """
        client = Client(settings.region, clients.sqs.meta.endpoint_url, clients.credentials)
        try:
            yield cls(Attempts(client, retry), clients.sqs, name or settings.queue)
        finally:
            await client.close()

    async def receive(self, most: int, wait: int, visibility: int) -> list[Message]:
        """Up to `most` (1 to 10) messages, hidden from others for `visibility` seconds; `wait` 0 to 20 s for the first.

        A receive that is cancelled, or whose answer is lost on the way, may have hidden messages that nobody got:
        SQS shows them again after `visibility` seconds, one receive count higher. None is lost.
        Raises Unavailable("sqs").
        """
        params = {
            "Action": "ReceiveMessage",
            "QueueUrl": await self._url(self._name),
            "MaxNumberOfMessages": most,
            "WaitTimeSeconds": min(wait, LONGEST_POLL),
            "VisibilityTimeout": visibility,
            "AttributeName.1": "ApproximateReceiveCount",
        }
        return await self._attempts.make(params, _messages)

    async def delete(self, receipts: Sequence[str]) -> list[str]:
        """Acknowledge messages; returns the receipts that SQS did not take. Raises Unavailable("sqs")."""
        return await self._batch("DeleteMessageBatch", receipts, {})

    async def extend(self, receipts: Sequence[str], seconds: int) -> list[str]:
        """Hide messages for `seconds` from now (0 gives them back); returns the receipts that SQS did not take.

        Raises Unavailable("sqs").
        """
        return await self._batch("ChangeMessageVisibilityBatch", receipts, {"VisibilityTimeout": str(seconds)})

    async def send(self, queue_name: str, body: str, attributes: Mapping[str, str] | None = None) -> str:
        """Send one message to a queue, by its name, with string attributes; returns its message id.

        Characters that SQS refuses in an attribute are replaced by `?`, and empty attributes are left out.
        Raises Unavailable("sqs").
        """
        clean = {name: _NOT_FOR_SQS.sub("?", value) for name, value in (attributes or {}).items() if value}
        url = await self._url(queue_name)
        with translate("sqs"):
            sent = await self._sqs.send_message(
                QueueUrl=url,
                MessageBody=body,
                MessageAttributes={n: {"DataType": "String", "StringValue": v} for n, v in clean.items()},
            )
            return sent["MessageId"]

    async def _url(self, name: str) -> str:
        if name not in self._urls:
            asked = {"Action": "GetQueueUrl", "QueueName": name}
            self._urls[name] = await self._attempts.make(asked, sqs_answers.queue_url)
        return self._urls[name]

    async def _batch(self, action: str, receipts: Sequence[str], every: Mapping[str, str]) -> list[str]:
        if not receipts:
            return []
        url = await self._url(self._name)
        failed: list[str] = []
        for group in _groups(url, receipts):
            params = _entries(action, url, group, every)
            answered = await self._attempts.make(params, lambda root: sqs_answers.failures(root, action))
            for failure in answered:
                log.warning("SQS did not do an entry of %s: %s", action, failure.code)
            not_done = {failure.entry for failure in answered}
            failed += [receipt for place, receipt in enumerate(group) if str(place) in not_done]
        return failed


def _messages(root: sqs_answers.Element) -> list[Message]:
    return [
        Message(told.message_id, told.receipt_handle, told.body, told.receive_count)
        for told in sqs_answers.messages(root)
    ]


def _groups(url: str, receipts: Sequence[str]) -> Iterator[list[str]]:
    """Split into as few requests as ten entries and `URL_LENGTH` allow; a receipt too long for it goes alone."""
    group: list[str] = []
    bare = BARE_LENGTH + len(quote(url, safe=""))
    length = bare
    for receipt in receipts:
        entry = ENTRY_LENGTH + len(quote(receipt, safe=""))
        if group and (len(group) == BATCH or length + entry > URL_LENGTH):
            yield group
            group, length = [], bare
        group.append(receipt)
        length += entry
    yield group


def _entries(action: str, url: str, receipts: Sequence[str], every: Mapping[str, str]) -> dict[str, Any]:
    params = {"Action": action, "QueueUrl": url}
    for place, receipt in enumerate(receipts):
        entry = {"Id": str(place), "ReceiptHandle": receipt, **every}
        params |= {f"{action}RequestEntry.{place + 1}.{name}": value for name, value in entry.items()}
    return params
