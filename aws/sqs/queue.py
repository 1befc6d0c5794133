"""One queue: receiving with aiosqs, which costs the least time; everything else with aiobotocore."""

import contextlib
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from aws.clients import Clients
from aws.errors import translate
from aws.retry import SQS, RetryPolicy
from aws.settings import AwsSettings
from aws.sqs.answers import Message
from aws.sqs.receiver import Receiver

if TYPE_CHECKING:
    from types_aiobotocore_sqs import SQSClient

log = logging.getLogger(__name__)

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessageBatch.html
BATCH = 10
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
_REFUSED_CHARACTERS = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_BatchCall = Callable[..., Awaitable[Any]]


class Queue:
    """One queue to receive from, and any queue of the same account to send to. All methods raise Unavailable("sqs").

    See `Queue.open`.
    """

    def __init__(self, receiver: Receiver, sqs: "SQSClient", name: str) -> None:
        self._receiver = receiver
        self._sqs = sqs
        self.name = name
        self._urls: dict[str, str] = {}

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, settings: AwsSettings, clients: Clients, *, name: str | None = None, retry: RetryPolicy = SQS
    ) -> AsyncIterator[Self]:
        """The queue of that name, or the one that `settings.queue` names.

        Nothing is sent yet, so that it opens while SQS is unavailable.
        """
        receiver = Receiver(settings.region, clients.sqs.meta.endpoint_url, clients.credentials, retry)
        try:
            yield cls(receiver, clients.sqs, name or settings.queue)
        finally:
            await receiver.close()

    async def receive(self, most: int, wait: int, visibility: int) -> list[Message]:
        """Up to `most` (1 to 10) messages, hidden from others for `visibility` seconds; `wait` 0 to 20 s for the first.

        A receive that is cancelled, or whose answer is lost, may have hidden messages that no worker got: SQS delivers
        them again after `visibility` seconds, with a receive count that is one higher. None is lost.
        """
        return await self._receiver.receive(await self._url(self.name), most, wait, visibility)

    async def delete(self, receipts: Sequence[str]) -> list[str]:
        """Acknowledge messages; returns the receipts of those that SQS did not delete."""
        return await self._in_batches(self._sqs.delete_message_batch, receipts, {})

    async def extend(self, receipts: Sequence[str], seconds: int) -> list[str]:
        """Hide messages for `seconds` from now (0 gives them back); returns the receipts where SQS did not."""
        hidden = {"VisibilityTimeout": seconds}
        return await self._in_batches(self._sqs.change_message_visibility_batch, receipts, hidden)

    async def send(
        self, queue_name: str, body: str, attributes: Mapping[str, str] | None = None, *, delay: int = 0
    ) -> str:
        """Send one message to a queue, by its name, with string attributes; returns its message id.

        It is hidden from all for the first `delay` seconds (0 to 900).
        Characters that SQS refuses in an attribute are replaced by `?`, and empty attributes are left out.
        """
        clean = {name: _REFUSED_CHARACTERS.sub("?", value) for name, value in (attributes or {}).items() if value}
        url = await self._url(queue_name)
        with translate("sqs"):
            sent = await self._sqs.send_message(
                QueueUrl=url,
                MessageBody=body,
                DelaySeconds=delay,
                MessageAttributes={n: {"DataType": "String", "StringValue": v} for n, v in clean.items()},
            )
            return sent["MessageId"]

    async def _in_batches(self, call: _BatchCall, receipts: Sequence[str], more: Mapping[str, Any]) -> list[str]:
        """Make `call` for ten messages at a time, each entry with `more`; returns what SQS did not confirm."""
        failed: list[str] = []
        for start in range(0, len(receipts), BATCH):
            batch = receipts[start : start + BATCH]
            entries = [{"Id": str(place), "ReceiptHandle": receipt, **more} for place, receipt in enumerate(batch)]
            url = await self._url(self.name)
            with translate("sqs"):
                answer = await call(QueueUrl=url, Entries=entries)
                done = {entry["Id"] for entry in answer.get("Successful", ())}
                codes = {entry["Code"] for entry in answer.get("Failed", ())}
            if codes:
                log.warning("SQS refused entries of a batch: %s", ", ".join(sorted(codes)))
            failed += [receipt for place, receipt in enumerate(batch) if str(place) not in done]
        return failed

    async def _url(self, name: str) -> str:
        if name not in self._urls:
            with translate("sqs"):
                self._urls[name] = (await self._sqs.get_queue_url(QueueName=name))["QueueUrl"]
        return self._urls[name]
