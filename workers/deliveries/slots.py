"""Slots for the calls of one webhook: one that hangs holds up no other, and one that fails is left alone for a while.

A delivery that gets no slot goes back to the queue. Its pause grows with its age, so that the receives of a day stay
below the number after which SQS moves a message (100).
"""

import contextlib
from collections.abc import Iterator

from airlock.backoff import Backoff
from airlock.callables import Clock, Uniform

# After each further failure in a row no call is made for twice as long.
PAUSES = Backoff(first=1.0, longest=300.0)
SHORTEST_WAIT = 2.0
PART_OF_AGE = 0.25


class Slots:
    """At most `most` calls at once; a single one while the last of them failed. `now` gives seconds since the epoch."""

    def __init__(self, most: int, now: Clock) -> None:
        self._most = most
        self._now = now
        self._calls = 0
        self._failures = 0
        self._closed_until = 0.0

    def wait(self) -> float | None:
        """The seconds after which a call may be possible; None where it is now."""
        closed = self._closed_until - self._now()
        if closed > 0:
            return closed
        return SHORTEST_WAIT if self._calls >= (1 if self._failures else self._most) else None

    @contextlib.contextmanager
    def calling(self) -> Iterator[None]:
        """One call."""
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1

    def ended(self, *, failed: bool) -> None:
        """Note how a call ended."""
        if not failed:
            self._failures, self._closed_until = 0, 0.0
        # Calls that failed together are one failure.
        elif self._now() >= self._closed_until:
            self._failures += 1
            self._closed_until = self._now() + PAUSES.most(self._failures)


def pause(wait: float, age: float, uniform: Uniform) -> float:
    """Seconds until a delivery without a slot comes again, `age` seconds after its event was published."""
    return max(wait, SHORTEST_WAIT, PART_OF_AGE * age) * uniform(1, 1.5)
