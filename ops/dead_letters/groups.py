"""Groups of dead letters by cause: how many, since when, and one example."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ops.dead_letters.dead_letter import DeadLetter


@dataclass(slots=True)
class CauseGroup:
    """All messages of one cause. `oldest` and `newest` are in seconds since the epoch; `example` and `reason` are the
    id and the reason of the newest.
    """

    cause: str
    count: int = 0
    oldest: float = float("inf")
    newest: float = 0.0
    example: str = ""
    reason: str | None = None


class CauseGroups:
    """The groups of all messages that were added."""

    def __init__(self) -> None:
        self._groups: dict[str, CauseGroup] = {}

    def add(self, messages: Iterable[DeadLetter]) -> None:
        """Count messages."""
        for message in messages:
            group = self._groups.setdefault(message.cause, CauseGroup(message.cause))
            group.count += 1
            group.oldest = min(group.oldest, message.sent_at)
            if message.sent_at >= group.newest:
                group.newest, group.example, group.reason = message.sent_at, message.id, message.reason

    @property
    def count(self) -> int:
        """How many messages were added."""
        return sum(group.count for group in self._groups.values())

    def largest_first(self) -> list[CauseGroup]:
        """All groups, the largest first."""
        return sorted(self._groups.values(), key=lambda group: (-group.count, group.cause))

    def document(self) -> list[dict[str, Any]]:
        """All groups as JSON; times in seconds since the epoch."""
        return [
            {
                "cause": group.cause,
                "count": group.count,
                "oldest": group.oldest,
                "newest": group.newest,
                "example": {"id": group.example, "reason": group.reason},
            }
            for group in self.largest_first()
        ]
