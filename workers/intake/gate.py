"""Whether there are engines to inspect with: a worker without them receives no messages, whose work could only fail."""

from collections.abc import Awaitable, Callable


class Gate:
    """Closed at the start, and after an attempt that failed, until every engine answers.

    One queue has the messages of all profiles, so an engine that one profile needs closes the gate for all of them. A
    message that is not received loses nothing by waiting, while each attempt at it counts towards the last.
    """

    def __init__(self, engines_ready: Callable[[], Awaitable[None]]) -> None:
        self._engines_ready = engines_ready
        self._open = False

    def close(self) -> None:
        """Ask the engines again before the next message is received."""
        self._open = False

    async def wait_open(self) -> None:
        """Return at once while the gate is open; else open it, or raise Unavailable when an engine does not answer."""
        if not self._open:
            await self._engines_ready()
            self._open = True
