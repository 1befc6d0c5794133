"""When a delivery is tried again: soon at first, then less and less often, for one day.

The times are those that the Standard Webhooks specification recommends ("Deliverability and reliability"):
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from airlock.callables import Uniform

DAY = 24 * 3600
_MINUTE, _HOUR = 60, 3600
# Seconds between one attempt and the next; the rest of the day lies between the last two attempts.
_PAUSES = (5, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR)
ATTEMPTS = (0, *(sum(_PAUSES[: number + 1]) for number in range(len(_PAUSES))), DAY)
"""When a delivery is tried, in seconds after its event was published."""

# SQS hides a message for at most 12 hours, counted from its receipt.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
LONGEST_PAUSE = 11 * _HOUR
# Spreads the deliveries that failed together in one outage.
JITTER = 0.1


def next_pause(elapsed: float, uniform: Uniform, *, retry_after: float = 0) -> float | None:
    """Seconds until the next attempt, `elapsed` seconds after the event was published; None once the day is over.

    The time decides, not the receive count, which also grows when a worker ends. `retry_after` is the pause in
    seconds that the receiver asked for.
    """
    due = next((moment for moment in ATTEMPTS if moment > elapsed), None)
    if due is None:
        return None
    wait = max(due - elapsed, min(retry_after, DAY - elapsed), 1)
    return min(wait * uniform(1, 1 + JITTER), LONGEST_PAUSE)
