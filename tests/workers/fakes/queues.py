"""The queue in memory, for a worker that waits at each of its calls."""

from collections.abc import Mapping

from tests.fake_queue import FakeQueue
from tests.workers.fakes.attempt import called


class GatedQueue(FakeQueue):
    """What a worker sends. Nothing is received from it."""

    async def send(
        self, queue_name: str, body: str, attributes: Mapping[str, str] | None = None, *, delay: int = 0
    ) -> str:
        def put() -> str:
            self.sent.append((queue_name, body))
            return "sent"

        return await called("publish", put)
