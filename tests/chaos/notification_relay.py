"""Between S3 and the workers' queue: delivers each notification one to four times, in any order, and 1 in 50 never."""

import asyncio
import heapq
import itertools
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote_plus

from tests.chaos.deployment import ChaosDeployment
from tests.chaos.plan import Plan

BATCH = 10
IDLE_SECONDS = 0.02


class NotificationRelay:
    """Receives the notifications of S3 from its queue and delivers them as planned. `counts` says how many, and how.

    `lost` has the ids of the versions whose notification is not delivered.
    """

    def __init__(self, deployment: ChaosDeployment, plan: Plan) -> None:
        self._deployment = deployment
        self._plan = plan
        self._due: list[tuple[float, int, str]] = []
        self._order = itertools.count()
        self._numbers = {deployment.name(planned): planned.number for planned in plan.uploads}
        self._seen: dict[str, list[str]] = {}
        self.lost: set[str] = set()
        self.counts: Counter[str] = Counter()

    @property
    def pending(self) -> int:
        """How many copies are still to be delivered."""
        return len(self._due)

    def post(self, name: str, body: str) -> None:
        """Deliver another message than a notification of S3: repeated and in any order, but never lost."""
        self._schedule(self._plan.certain_deliveries(name), body)

    async def run(self) -> None:
        """Receive and deliver until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._receive())
            group.create_task(self._send())

    async def _receive(self) -> None:
        sqs, url = self._deployment.harness.clients.sqs, await self._deployment.url(self._deployment.notifications)
        while True:
            answer = await sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=BATCH, WaitTimeSeconds=1)
            messages = answer.get("Messages", [])
            for message in messages:
                self._announced(message["Body"])
            if messages:
                entries: list[Any] = [
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(messages)
                ]
                await sqs.delete_message_batch(QueueUrl=url, Entries=entries)

    def _announced(self, body: str) -> None:
        records = json.loads(body).get("Records")
        if not records:  # S3's test event
            return
        self.counts["announced"] += 1
        described = records[0]["s3"]["object"]
        upload = unquote_plus(described["key"]).rpartition("/")[2]
        versions = self._seen.setdefault(upload, [])
        versions.append(described["versionId"])
        after = self._plan.deliveries(f"{self._numbers[upload]} {len(versions)}")
        if not after:
            self.lost.add(described["versionId"])
            self.counts["lost"] += 1
        self._schedule(after, body)

    def _schedule(self, after: Sequence[float], body: str) -> None:
        now = asyncio.get_running_loop().time()
        for seconds in after:
            heapq.heappush(self._due, (now + seconds, next(self._order), body))
        self.counts["repeated"] += max(0, len(after) - 1)

    async def _send(self) -> None:
        sqs, url = (
            self._deployment.harness.clients.sqs,
            await self._deployment.url(self._deployment.harness.settings.queue),
        )
        while True:
            now = asyncio.get_running_loop().time()
            bodies: list[str] = []
            while self._due and self._due[0][0] <= now and len(bodies) < BATCH:
                bodies.append(heapq.heappop(self._due)[2])
            if bodies:
                entries: list[Any] = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
                await sqs.send_message_batch(QueueUrl=url, Entries=entries)
                self.counts["delivered"] += len(bodies)
            else:
                await asyncio.sleep(IDLE_SECONDS)
