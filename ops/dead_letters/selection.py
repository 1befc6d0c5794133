"""Which letters a command is about."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from ops.dead_letters.box import Box
from ops.dead_letters.letter import Letter


@dataclass(frozen=True, slots=True)
class Selection:
    """All that is given must hold. `cause` is looked for in a letter's reason and in its group, whatever the case;
    `older_than` in seconds; `limit` is how many at most.
    """

    cause: str | None = None
    ids: frozenset[str] = frozenset()
    older_than: int | None = None
    limit: int | None = None

    def __bool__(self) -> bool:
        return self.cause is not None or bool(self.ids) or self.older_than is not None

    def takes(self, letter: Letter, now: float) -> bool:
        """Whether a letter is meant, at `now` in seconds since the epoch."""
        if self.ids and letter.id not in self.ids:
            return False
        if self.cause is not None and not self._caused(letter, self.cause.casefold()):
            return False
        # What was sent after we began can be what we sent back, and what failed again.
        return letter.sent_at <= now - (self.older_than or 0)

    @staticmethod
    def _caused(letter: Letter, wanted: str) -> bool:
        return wanted in letter.cause.casefold() or wanted in (letter.reason or "").casefold()

    async def of(self, box: Box, now: float) -> AsyncIterator[tuple[int, list[Letter]]]:
        """The letters that are meant, some at once, each with how many were looked at for it."""
        most = len(self.ids) if self.ids else self.limit
        most = most if self.limit is None or most is None else min(most, self.limit)
        taken = 0
        async for letters in box.letters():
            meant = [letter for letter in letters if self.takes(letter, now)]
            meant = meant if most is None else meant[: most - taken]
            taken += len(meant)
            yield len(letters), meant
            if most is not None and taken >= most:
                return
