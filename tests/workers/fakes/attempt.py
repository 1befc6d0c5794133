"""One worker that waits at each of its calls: the test decides which call goes on next, and what its result is.

So a test chooses which of several workers is next, whether a response is lost, and at which call a worker ends.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from botocore.exceptions import ClientError

T = TypeVar("T")
CallResult = Literal["done", "refused", "lost", "twice"]
"""What happens with a call. done: it succeeds. refused: it does not reach the service. lost: it succeeds, but its
response is lost. twice: its first response is lost, and the client sends it again."""
CALL_RESULTS: tuple[CallResult, ...] = ("done", "refused", "lost", "twice")

_ROUNDS = 4


@dataclass
class Call:
    """A call that waits to go on."""

    name: str
    effect: Callable[[], Any]
    response: asyncio.Future[Any]


class Attempt:
    """The work of one worker on one message. It waits at each call until `go`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any]) -> None:
        self._loop = loop
        self.waiting: deque[Call] = deque()
        self.dead = False
        context = copy_context()
        context.run(_WORKING.set, self)
        self.task = loop.create_task(work, context=context)
        self._until_it_waits()

    @property
    def ended(self) -> bool:
        return self.task.done()

    def go(self, result: CallResult = "done") -> None:
        """Let the first of the waiting calls go on."""
        call = self.waiting.popleft()
        try:
            if result == "twice":
                call.effect()
            response = call.effect() if result != "refused" else None
        except ClientError as error:
            call.response.set_exception(error)
        else:
            if result in ("refused", "lost"):
                call.response.set_exception(OSError("unavailable"))
            else:
                repeated = {"ResponseMetadata": {"RetryAttempts": int(result == "twice")}}
                call.response.set_result(response | repeated if isinstance(response, dict) else response)
        self._until_it_waits()

    def kill(self, *, after: bool = False) -> None:
        """End it as SIGKILL does, before or `after` the call at which it waits; it does nothing more."""
        if after and self.waiting:
            with contextlib.suppress(ClientError):
                self.waiting[0].effect()
        self.dead = True
        self.task.cancel()
        while not self.ended:
            self._turn()

    def _until_it_waits(self) -> None:
        # A response takes some rounds of the loop to reach its caller, and more of them through a gather.
        for _ in range(_ROUNDS):
            self._turn()
        while not self.ended and not self.waiting:
            self._turn()

    def _turn(self) -> None:
        self._loop.call_soon(self._loop.stop)
        self._loop.run_forever()


_WORKING: ContextVar[Attempt] = ContextVar("working")


async def called(name: str, effect: Callable[[], T]) -> T:
    """Do `effect` when this call may go on, and return its response. Raises OSError where that does not arrive.

    Outside of an attempt nothing has to be waited for.
    """
    attempt = _WORKING.get(None)
    if attempt is None:
        return effect()
    if attempt.dead:
        raise asyncio.CancelledError
    call = Call(name, effect, asyncio.get_running_loop().create_future())
    attempt.waiting.append(call)
    response: T = await call.response
    return response


def refusal(code: str, operation: str, **more: Any) -> ClientError:
    """The error that a vendor's client raises for an error response."""
    answer: Any = {"Error": {"Code": code, "Message": ""}, **more}
    return ClientError(answer, operation)
