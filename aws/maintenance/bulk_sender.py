"""Sends many messages to one queue, ten to a request."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airlock.errors import Unavailable
from aws.errors import translate

if TYPE_CHECKING:
    from types_aiobotocore_sqs import SQSClient

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
BATCH = 10


class BulkSender:
    """Sends to the queue of that name. All methods raise Unavailable("sqs")."""

    def __init__(self, sqs: "SQSClient", name: str) -> None:
        self._sqs = sqs
        self._name = name
        self._url: str | None = None

    async def send(self, bodies: Sequence[str]) -> None:
        """Send up to ten messages. Raises Unavailable where one was refused; the others are sent then."""
        entries: list[Any] = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
        url = await self._queue_url()
        with translate("sqs"):
            answer = await self._sqs.send_message_batch(QueueUrl=url, Entries=entries)
        if refused := answer.get("Failed"):
            raise Unavailable("sqs", f"SendMessageBatch: {refused[0].get('Code', 'an error without a code')}")

    async def waiting(self) -> int:
        """How many messages wait in the queue, approximately."""
        url = await self._queue_url()
        with translate("sqs"):
            answer = await self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
            return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    async def _queue_url(self) -> str:
        if self._url is None:
            with translate("sqs"):
                self._url = (await self._sqs.get_queue_url(QueueName=self._name))["QueueUrl"]
        return self._url
