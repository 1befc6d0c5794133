"""A back end: receives every verdict event that is published."""

import asyncio
import json
from typing import Any

from tests.chaos.deployment import ChaosDeployment


class EventReceiver:
    """`events` has the distinct event bodies of each upload; `received` counts all events."""

    def __init__(self, deployment: ChaosDeployment) -> None:
        self._deployment = deployment
        self.events: dict[str, set[str]] = {}
        self.received = 0

    async def run(self) -> None:
        """Receive until cancelled."""
        while True:
            await self.take(wait=1)

    async def take(self, wait: int = 0) -> bool:
        """Receive what is there; `wait` is in seconds. Returns False when there was nothing."""
        sqs, url = self._deployment.harness.clients.sqs, await self._deployment.url(self._deployment.harness.verdicts)
        answer = await sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=wait)
        messages = answer.get("Messages", [])
        for message in messages:
            self.received += 1
            self.events.setdefault(json.loads(message["Body"])["subject"], set()).add(message["Body"])
        if messages:
            entries: list[Any] = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
            await sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        await asyncio.sleep(0)
        return bool(messages)
