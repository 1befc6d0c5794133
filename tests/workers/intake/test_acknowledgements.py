import asyncio
import contextlib
from collections.abc import Sequence

import pytest

from airlock.errors import Unavailable
from workers.intake.acknowledgements import Acknowledgements


class Deletes:
    """A queue that records each request, and is unavailable for the first `failures` of them."""

    def __init__(self, failures: int = 0, refused: Sequence[str] = ()) -> None:
        self.requests: list[list[str]] = []
        self.came = asyncio.Event()
        self._failures = failures
        self._refused = refused

    async def delete(self, receipts: Sequence[str]) -> list[str]:
        self.requests.append(list(receipts))
        self.came.set()
        if self._failures:
            self._failures -= 1
            raise Unavailable("sqs", "cannot be reached")
        return [receipt for receipt in receipts if receipt in self._refused]

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.requests) < count:
                self.came.clear()
                await self.came.wait()


@contextlib.asynccontextmanager
async def _running(acknowledgements: Acknowledgements):  # type: ignore[no-untyped-def]
    task = asyncio.create_task(acknowledgements.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_messages_that_are_done_together_are_deleted_in_one_request() -> None:
    queue = Deletes()
    acknowledgements = Acknowledgements(queue)
    async with _running(acknowledgements):
        for number in range(7):
            acknowledgements.add(str(number))
        await queue.until(1)
    assert queue.requests == [[str(number) for number in range(7)]]


async def test_a_full_batch_does_not_linger() -> None:
    queue = Deletes()
    acknowledgements = Acknowledgements(queue, linger=3600)
    async with _running(acknowledgements):
        for number in range(10):
            acknowledgements.add(str(number))
        await queue.until(1)
    assert len(queue.requests[0]) == 10


async def test_while_the_queue_is_unavailable_nothing_is_forgotten() -> None:
    queue = Deletes(failures=2)
    acknowledgements = Acknowledgements(queue, linger=0, retry=0)
    async with _running(acknowledgements):
        acknowledgements.add("a")
        await queue.until(3)
    assert queue.requests == [["a"]] * 3


async def test_a_message_that_sqs_does_not_delete_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue = Deletes(refused=["b"])
    acknowledgements = Acknowledgements(queue)
    acknowledgements.add("a")
    acknowledgements.add("b")
    assert await acknowledgements.flush()
    assert await acknowledgements.flush()
    assert queue.requests == [["a", "b"], []]
    assert "did not delete 1" in caplog.text


async def test_a_flush_that_is_cancelled_keeps_its_receipts() -> None:
    class Hanging(Deletes):
        async def delete(self, receipts: Sequence[str]) -> list[str]:
            self.came.set()
            await asyncio.Event().wait()
            return []

    queue = Hanging()
    acknowledgements = Acknowledgements(queue, linger=0)
    acknowledgements.add("a")
    task = asyncio.create_task(acknowledgements.run())
    await queue.came.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert acknowledgements._waiting == ["a"]
