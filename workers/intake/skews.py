"""What messages needed lately and this worker's configuration does not have, for /readyz."""

from airlock.callables import Clock

# Longer than the longest pause of a message that waits, so that it is seen again before it is forgotten.
REMEMBERED_SECONDS = 900.0
MOST = 20


class Skews:
    """The newest reasons, each once. `now` gives seconds since the epoch."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._seen: dict[str, float] = {}

    def add(self, reason: str) -> None:
        """A message needed what `reason` says."""
        self._seen.pop(reason, None)
        self._seen[reason] = self._now()
        if len(self._seen) > MOST:
            del self._seen[next(iter(self._seen))]

    def recent(self) -> list[str]:
        """The reasons that came up lately, the newest last."""
        oldest = self._now() - REMEMBERED_SECONDS
        self._seen = {reason: at for reason, at in self._seen.items() if at >= oldest}
        return list(self._seen)
