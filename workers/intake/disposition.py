"""What is to happen with a message after the work on it. Only `consumer` acts on it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing is left to do: acknowledge the message."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Show the message again in `after` seconds."""

    after: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Show the message again in `after` seconds, as if this attempt had not been: the message is not the cause.

    `since` is when it began to wait, in seconds since the epoch.
    """

    after: float
    since: float


@dataclass(frozen=True, slots=True)
class Bury:
    """Move the message to the dead-letter queue, with the reason: it cannot succeed, or has failed too often."""

    reason: str


Disposition = Done | Retry | Wait | Bury


def gravest(dispositions: Sequence[Disposition]) -> Disposition:
    """The disposition of a message from those of its records: the longest Wait or Retry, else all Buries, else Done.

    To work on a record again is harmless, so one record that needs another try decides for the whole message.
    """
    waits = [disposition for disposition in dispositions if isinstance(disposition, Wait)]
    if waits:
        return max(waits, key=lambda wait: wait.after)
    retries = [disposition for disposition in dispositions if isinstance(disposition, Retry)]
    if retries:
        return max(retries, key=lambda retry: retry.after)
    reasons = [disposition.reason for disposition in dispositions if isinstance(disposition, Bury)]
    return Bury("; ".join(dict.fromkeys(reasons))) if reasons else Done()
