"""A dead-letter queue that is read: each letter is hidden while we look, and shown again at the end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Self, TypeVar

from airlock.errors import Unavailable
from aws.errors import translate
from ops.dead_letters.letter import Letter

if TYPE_CHECKING:
    from types_aiobotocore_sqs import SQSClient

T = TypeVar("T")

BATCH = 10
# For how long a letter that nobody gave back stays hidden: a killed run costs no more.
HIDDEN_SECONDS = 600
# A receive that waits asks all of SQS's servers, and can still come back empty beside letters that were just sent.
WAIT_SECONDS = 1
EMPTY_RECEIVES = 2
# Letters come again while a long run looks at others: so many receives without a new one, and there is none.
STALE_RECEIVES = 100
# SQS hides 120,000 messages of a queue at most: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
# It also bounds what we remember, some 600 bytes of each.
MOST = 100_000
PARALLEL = 8
REASON, ATTEMPTS = "airlock-reason", "airlock-attempts"


class Box:
    """One reading of the queue `name`. Every method raises Unavailable("sqs"). See `Box.open`.

    What another reading hides at the same time is not seen, and neither is what comes after the end.
    """

    def __init__(self, sqs: "SQSClient", name: str, url: str) -> None:
        self.name = name
        self._sqs = sqs
        self._url = url
        # By id, of every letter that was seen; None for one that is gone.
        self._receipts: dict[str, str | None] = {}

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, sqs: "SQSClient", name: str) -> AsyncIterator[Self]:
        """The queue, to be read once; on the way out, however that comes, all that is left is shown again."""
        box = cls(sqs, name, await _url(sqs, name))
        try:
            yield box
        finally:
            await box._give_back()

    @property
    def full(self) -> bool:
        """Whether so many letters were seen that there can be more."""
        return len(self._receipts) >= MOST

    async def counts(self) -> tuple[int, int]:
        """How many letters can be seen and how many are hidden, both nearly."""
        with translate("sqs"):
            answer = await self._sqs.get_queue_attributes(
                QueueUrl=self._url,
                AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
            )
            told = answer["Attributes"]
            seen, hidden = told["ApproximateNumberOfMessages"], told["ApproximateNumberOfMessagesNotVisible"]
            return int(seen), int(hidden)

    async def letters(self) -> AsyncIterator[list[Letter]]:
        """All letters, up to ten at once, each once."""
        empty = stale = 0
        while empty < EMPTY_RECEIVES and stale < STALE_RECEIVES and not self.full:
            received, new = await to_its_end(self._receive())
            empty = 0 if received else empty + 1
            stale = 0 if new else stale + 1
            if new:
                yield new

    async def _receive(self) -> tuple[list[Letter], list[Letter]]:
        """What came, and what of it is new."""
        with translate("sqs"):
            answer = await self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=BATCH,
                WaitTimeSeconds=WAIT_SECONDS,
                VisibilityTimeout=HIDDEN_SECONDS,
                AttributeNames=["SentTimestamp"],
                MessageAttributeNames=[REASON, ATTEMPTS],
            )
            received = [_letter(message) for message in answer.get("Messages", ())]
        new = [letter for letter in received if letter.id not in self._receipts]
        # The last receipt is the one that counts.
        self._receipts |= {letter.id: letter.receipt for letter in received}
        return received, new

    async def drop(self, letter: Letter) -> None:
        """Delete the letter for good."""
        with translate("sqs"):
            await self._sqs.delete_message(
                QueueUrl=self._url, ReceiptHandle=self._receipts[letter.id] or letter.receipt
            )
        self._receipts[letter.id] = None

    async def move(self, letter: Letter, to: str, body: str) -> None:
        """Send `body` to the queue at `to` and then delete the letter: what ends between the two leaves both."""
        with translate("sqs"):
            await self._sqs.send_message(QueueUrl=to, MessageBody=body)
        await self.drop(letter)

    async def address(self, queue: str) -> str:
        """The address of another queue of this account, for `move`."""
        return await _url(self._sqs, queue)

    async def _give_back(self) -> None:
        held = [receipt for receipt in self._receipts.values() if receipt is not None]
        slots = asyncio.Semaphore(PARALLEL)
        batches = (held[start : start + BATCH] for start in range(0, len(held), BATCH))
        await asyncio.gather(*(self._show_again(batch, slots) for batch in batches))

    async def _show_again(self, receipts: Iterable[str], slots: asyncio.Semaphore) -> None:
        entries: list[Any] = [
            {"Id": str(place), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
            for place, receipt in enumerate(receipts)
        ]
        async with slots:
            # One that cannot be given back now comes back by itself.
            with contextlib.suppress(Unavailable), translate("sqs"):
                await self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)


async def to_its_end(call: Coroutine[Any, Any, T]) -> T:
    """The call's answer; who is cancelled meanwhile waits for it too, so as to know what it did."""
    task = asyncio.create_task(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def _url(sqs: "SQSClient", name: str) -> str:
    with translate("sqs"):
        return (await sqs.get_queue_url(QueueName=name))["QueueUrl"]


def _letter(message: Any) -> Letter:
    said = {name: value.get("StringValue") for name, value in message.get("MessageAttributes", {}).items()}
    return Letter(
        id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        body=message["Body"],
        sent_at=int(message["Attributes"]["SentTimestamp"]) / 1000,
        reason=said.get(REASON),
        attempts=said.get(ATTEMPTS),
    )
