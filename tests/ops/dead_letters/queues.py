"""Puts messages into queues, empties them, and runs `airlock dead-letters`."""

from typing import Any

from tests.deployment import keys_of
from tests.ops.terminal import Ran, airlock
from tests.workers.harness import WorkerHarness


async def run(harness: WorkerHarness, *arguments: str) -> Ran:
    """Run the command as the operator's user, without AIRLOCK_SECRETS."""
    return await airlock("dead-letters", *arguments, **environment(harness))


def environment(harness: WorkerHarness) -> dict[str, str]:
    variables = {name: value for name, value in harness.environment().items() if name != "AIRLOCK_SECRETS"}
    return {**variables, **keys_of("operator", harness.settings).environment()}


async def put_dead_letter(harness: WorkerHarness, body: str, reason: str | None, queue: str | None = None) -> None:
    url = await harness._url(queue or harness.settings.dead_letter_queue)
    attributes: dict[str, Any] = {"airlock-reason": {"DataType": "String", "StringValue": reason}} if reason else {}
    await harness.clients.sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)


async def bodies(harness: WorkerHarness, queue: str) -> list[str]:
    """Receive and delete all messages of a queue that are visible; returns their bodies."""
    url, found = await harness._url(queue), []
    # Without WaitTimeSeconds a receive waits as long as the queue's default, which is 20 s.
    request: Any = {"QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0}
    while messages := (await harness.clients.sqs.receive_message(**request)).get("Messages"):
        for message in messages:
            await harness.clients.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found.append(message["Body"])
    # S3 sends a test event to a queue that it will notify.
    return [body for body in found if "s3:TestEvent" not in body]


async def bodies_of_dead_letters(harness: WorkerHarness) -> list[str]:
    return sorted(await bodies(harness, harness.settings.dead_letter_queue))
