"""Reads a dead-letter queue without removing anything.

SQS shows a message only by receiving it, which hides it for some time (its visibility timeout). So every message that
is read stays hidden during the run, and all that were not deleted are made visible again at its end.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Self, TypeVar

from airlock.errors import Unavailable
from aws.errors import translate
from ops.dead_letters.dead_letter import DeadLetter

if TYPE_CHECKING:
    from types_aiobotocore_sqs import SQSClient

T = TypeVar("T")

BATCH = 10
# The visibility timeout. A run that is killed leaves its messages hidden for no longer than that.
HIDDEN_SECONDS = 600
# A receive that waits asks all of SQS's servers, but can still miss messages that were sent just before.
WAIT_SECONDS = 1
EMPTY_RECEIVES = 2
# In a long run, messages become visible again while others are read. After so many receives without a new message
# there are no others.
STALE_RECEIVES = 100
# SQS hides 120,000 messages of a queue at most: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
# This also limits our memory, some 600 bytes for each message.
MAX_MESSAGES = 100_000
CONCURRENT_REQUESTS = 8
REASON, ATTEMPTS = "airlock-reason", "airlock-attempts"


class DeadLetterReader:
    """Reads the queue `name` once; see `DeadLetterReader.open`. Every method raises Unavailable("sqs").

    Messages that another run hides at the same time, or that arrive after the end, are not read.
    """

    def __init__(self, sqs: "SQSClient", name: str, url: str) -> None:
        self.name = name
        self._sqs = sqs
        self._url = url
        # By id, for every message that was read; None once it is deleted.
        self._receipts: dict[str, str | None] = {}

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, sqs: "SQSClient", name: str) -> AsyncIterator[Self]:
        """A reader of the queue. At the end, also after an error, all messages that are left become visible again."""
        reader = cls(sqs, name, await _url(sqs, name))
        try:
            yield reader
        finally:
            await reader._show_all()

    @property
    def full(self) -> bool:
        """Whether the most messages that one run can read were read, so that there may be more."""
        return len(self._receipts) >= MAX_MESSAGES

    async def counts(self) -> tuple[int, int]:
        """How many messages are visible and how many are hidden, approximately."""
        with translate("sqs"):
            response = await self._sqs.get_queue_attributes(
                QueueUrl=self._url,
                AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
            )
            counts = response["Attributes"]
            visible, hidden = counts["ApproximateNumberOfMessages"], counts["ApproximateNumberOfMessagesNotVisible"]
            return int(visible), int(hidden)

    async def messages(self) -> AsyncIterator[list[DeadLetter]]:
        """All messages, each once, up to ten at a time."""
        empty = stale = 0
        while empty < EMPTY_RECEIVES and stale < STALE_RECEIVES and not self.full:
            received, new = await uninterrupted(self._receive())
            empty = 0 if received else empty + 1
            stale = 0 if new else stale + 1
            if new:
                yield new

    async def _receive(self) -> tuple[list[DeadLetter], list[DeadLetter]]:
        """The messages of one receive, and those of them that were not read before."""
        with translate("sqs"):
            response = await self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=BATCH,
                WaitTimeSeconds=WAIT_SECONDS,
                VisibilityTimeout=HIDDEN_SECONDS,
                AttributeNames=["SentTimestamp"],
                MessageAttributeNames=[REASON, ATTEMPTS],
            )
            received = [_dead_letter(message) for message in response.get("Messages", ())]
        new = [message for message in received if message.id not in self._receipts]
        # Only the receipt of the last receive is valid.
        self._receipts |= {message.id: message.receipt for message in received}
        return received, new

    async def drop(self, message: DeadLetter) -> None:
        """Delete the message for good."""
        receipt = self._receipts[message.id] or message.receipt
        with translate("sqs"):
            await self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=receipt)
        self._receipts[message.id] = None

    async def move(self, message: DeadLetter, to: str, body: str) -> None:
        """Send `body` to the queue at the URL `to`, then delete the message. A crash between the two leaves both."""
        with translate("sqs"):
            await self._sqs.send_message(QueueUrl=to, MessageBody=body)
        await self.drop(message)

    async def url_of(self, queue: str) -> str:
        """The URL of another queue of this account, for `move`."""
        return await _url(self._sqs, queue)

    async def _show_all(self) -> None:
        hidden = [receipt for receipt in self._receipts.values() if receipt is not None]
        slots = asyncio.Semaphore(CONCURRENT_REQUESTS)
        batches = (hidden[start : start + BATCH] for start in range(0, len(hidden), BATCH))
        await asyncio.gather(*(self._show(batch, slots) for batch in batches))

    async def _show(self, receipts: Iterable[str], slots: asyncio.Semaphore) -> None:
        entries: list[Any] = [
            {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
            for number, receipt in enumerate(receipts)
        ]
        async with slots:
            # Where this fails, the messages become visible when their timeout ends.
            with contextlib.suppress(Unavailable), translate("sqs"):
                await self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)


async def uninterrupted(call: Coroutine[Any, Any, T]) -> T:
    """The result of the call. Cancellation is delayed until the call has ended, so that its effects are known."""
    task = asyncio.create_task(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def _url(sqs: "SQSClient", name: str) -> str:
    with translate("sqs"):
        return (await sqs.get_queue_url(QueueName=name))["QueueUrl"]


def _dead_letter(message: Any) -> DeadLetter:
    attributes = {name: value.get("StringValue") for name, value in message.get("MessageAttributes", {}).items()}
    return DeadLetter(
        id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        body=message["Body"],
        sent_at=int(message["Attributes"]["SentTimestamp"]) / 1000,
        reason=attributes.get(REASON),
        attempts=attributes.get(ATTEMPTS),
    )
