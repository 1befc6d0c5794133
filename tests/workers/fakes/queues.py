"""SQS in memory, as far as a worker sends to it."""

from typing import Any

from tests.workers.fakes.attempt import called


class FakeQueues:
    """What was sent, by queue."""

    def __init__(self) -> None:
        self.sent: dict[str, list[str]] = {}

    async def send(self, queue_name: str, body: str, attributes: Any = None) -> str:
        def put() -> str:
            self.sent.setdefault(queue_name, []).append(body)
            return "sent"

        return await called("publish", put)
