"""Whether everything answers that work on a message needs: a worker without it receives none, which could only fail."""

from collections.abc import Awaitable, Callable


class Gate:
    """Closed at the start, and after an attempt that failed, until everything answers: `ask` raises Unavailable else.

    One queue has the messages of all profiles, so what one profile needs closes the gate for all of them. A message
    that is not received loses nothing by waiting.
    """

    def __init__(self, ask: Callable[[], Awaitable[None]]) -> None:
        self._ask = ask
        self._open = False

    def close(self) -> None:
        """Ask again before the next message is received."""
        self._open = False

    async def wait_open(self) -> None:
        """Return at once while the gate is open; else open it, or raise Unavailable when something does not answer."""
        if not self._open:
            await self._ask()
            self._open = True
