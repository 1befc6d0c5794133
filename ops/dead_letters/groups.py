"""Letters by cause: how many, since when, and one of each to look at."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ops.dead_letters.letter import Letter


@dataclass(slots=True)
class Group:
    """Of one cause: `oldest` and `newest` in seconds since the epoch, and the newest letter's id and reason."""

    cause: str
    count: int = 0
    oldest: float = float("inf")
    newest: float = 0.0
    example: str = ""
    reason: str | None = None


class Groups:
    """The groups of all letters that were added."""

    def __init__(self) -> None:
        self._groups: dict[str, Group] = {}

    def add(self, letters: Iterable[Letter]) -> None:
        """Count letters."""
        for letter in letters:
            group = self._groups.setdefault(letter.cause, Group(letter.cause))
            group.count += 1
            group.oldest = min(group.oldest, letter.sent_at)
            if letter.sent_at >= group.newest:
                group.newest, group.example, group.reason = letter.sent_at, letter.id, letter.reason

    @property
    def count(self) -> int:
        """How many letters there are."""
        return sum(group.count for group in self._groups.values())

    def largest_first(self) -> list[Group]:
        """All groups."""
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
