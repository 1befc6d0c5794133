"""What the work on one message came to. Only `consumer` acts on it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing is left to do: acknowledge the message."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Worth another try in `after` seconds."""

    after: float


@dataclass(frozen=True, slots=True)
class Bury:
    """It can never succeed, or has failed too often: to the dead letters, with the reason."""

    reason: str


Disposition = Done | Retry | Bury


def gravest(dispositions: Sequence[Disposition]) -> Disposition:
    """The disposition of a message from those of its records: the longest Retry, else all Buries, else Done.

    Doing a record again is harmless, so one that needs another try decides for its whole message.
    """
    retries = [disposition for disposition in dispositions if isinstance(disposition, Retry)]
    if retries:
        return max(retries, key=lambda retry: retry.after)
    reasons = [disposition.reason for disposition in dispositions if isinstance(disposition, Bury)]
    return Bury("; ".join(dict.fromkeys(reasons))) if reasons else Done()
