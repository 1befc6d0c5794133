"""Whether there is anything to inspect with: a worker without an engine takes no messages, which would only fail."""

from collections.abc import Awaitable, Callable


class Gate:
    """Shut at the start, and after a try that failed, until every engine answers.

    One queue has the messages of all profiles, so that an engine which one profile needs shuts it for all of them: what
    is not taken waits unharmed, while each try of a message counts towards its end.
    """

    def __init__(self, engines: Callable[[], Awaitable[None]]) -> None:
        self._engines = engines
        self._open = False

    def close(self) -> None:
        """Something was away: ask the engines before the next message is taken."""
        self._open = False

    async def wait_open(self) -> None:
        """Returns when all engines answered since it was closed, or do now; raises Unavailable when one does not."""
        if not self._open:
            await self._engines()
            self._open = True
