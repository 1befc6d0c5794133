"""Which messages of a dead-letter queue a command selects."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from ops.dead_letters.dead_letter import DeadLetter
from ops.dead_letters.reader import DeadLetterReader


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """A message is selected where all given conditions hold. `cause` is searched in its reason and in its cause,
    ignoring case; `older_than` is in seconds; `limit` is how many messages are selected at most.
    """

    cause: str | None = None
    ids: frozenset[str] = frozenset()
    older_than: int | None = None
    limit: int | None = None

    def __bool__(self) -> bool:
        return self.cause is not None or bool(self.ids) or self.older_than is not None

    def selects(self, message: DeadLetter, now: float) -> bool:
        """Whether the conditions hold at `now`, in seconds since the epoch."""
        if self.ids and message.id not in self.ids:
            return False
        if self.cause is not None and not self._has_cause(message, self.cause.casefold()):
            return False
        # A message that was sent after the run began may be one that this run redrove and that failed again.
        return message.sent_at <= now - (self.older_than or 0)

    @staticmethod
    def _has_cause(message: DeadLetter, text: str) -> bool:
        return text in message.cause.casefold() or text in (message.reason or "").casefold()

    async def select(self, reader: DeadLetterReader, now: float) -> AsyncIterator[tuple[int, list[DeadLetter]]]:
        """The selected messages, some at once, each time with how many were read for them."""
        most = len(self.ids) if self.ids else self.limit
        most = most if self.limit is None or most is None else min(most, self.limit)
        taken = 0
        async for messages in reader.messages():
            selected = [message for message in messages if self.selects(message, now)]
            selected = selected if most is None else selected[: most - taken]
            taken += len(selected)
            yield len(messages), selected
            if most is not None and taken >= most:
                return
