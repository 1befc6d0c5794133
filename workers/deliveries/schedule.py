"""When a delivery is tried again: soon at first, then ever more rarely, for a day.

The times are those that the Standard Webhooks specification recommends ("Deliverability and reliability").
"""

from airlock.callables import Uniform

DAY = 24 * 3600
_MINUTE, _HOUR = 60, 3600
# Seconds between one try and the next; the rest of the day lies between the last two.
_PAUSES = (5, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR)
TRIES = (0, *(sum(_PAUSES[: place + 1]) for place in range(len(_PAUSES))), DAY)
"""When a delivery is tried, in seconds after its event was published."""

# The longest that SQS hides a message: 12 hours, counted from its receipt.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
LONGEST_PAUSE = 11 * _HOUR
# So that the deliveries that one outage held up do not all come back in one second.
JITTER = 0.1


def pause(elapsed: float, uniform: Uniform, *, asked: float = 0) -> float | None:
    """Seconds until the next try of a delivery that failed `elapsed` seconds after it was published.

    By the time and not by a count of receives, which grow whenever a worker ends. `asked` is what the receiver asked
    for (Retry-After). None once the day is over.
    """
    coming = next((moment for moment in TRIES if moment > elapsed), None)
    if coming is None:
        return None
    wait = max(coming - elapsed, min(asked, DAY - elapsed), 1)
    return min(wait * uniform(1, 1 + JITTER), LONGEST_PAUSE)
