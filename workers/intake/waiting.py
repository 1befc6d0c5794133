"""Waiting: a message that an outage, or another configuration, keeps from being worked on costs no attempt.

SQS counts each receive, and moves a message to the dead letters after too many. So a message that waits is sent again,
as a new one with a delay, and carries since when it waits. Each pause is a part of the time that it has waited already:
a verdict comes that much later at most than it could have.

What fails for longer than LONGEST while everything answers is no outage any more: then attempts count. A worker to
which something does not answer receives nothing, so a longer outage does not come to that.
"""

import math
from collections.abc import Mapping
from typing import Final

from airlock.callables import Uniform
from aws.sqs.answers import Message
from workers.intake.disposition import Wait

SINCE: Final = "airlock-waiting-since"
"""The message attribute: seconds since the epoch."""
LONGEST = 24 * 3600.0
PART = 0.25
SHORTEST_PAUSE, LONGEST_PAUSE = 2.0, 300.0


def wait(message: Message, now: float, uniform: Uniform) -> Wait | None:
    """How a message goes on waiting at `now`, in seconds since the epoch; None where it has waited long enough."""
    since = _since(message.attributes, now)
    if now - since > LONGEST:
        return None
    most = min(LONGEST_PAUSE, max(SHORTEST_PAUSE, PART * (now - since)))
    return Wait(uniform(most / 2, most), since)


def attributes(waiting: Wait) -> Mapping[str, str]:
    """Those of the message that is sent in place of the one that waits."""
    return {SINCE: f"{waiting.since:.0f}"}


def _since(given: Mapping[str, str], now: float) -> float:
    # Whoever may send messages can write anything.
    try:
        since = float(given.get(SINCE, now))
    except ValueError:
        return now
    return since if math.isfinite(since) and since <= now else now
