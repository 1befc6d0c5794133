"""Where verdict events go, as a profile names it: `sqs:QUEUE`, `sns:TOPIC`, `eventbridge:BUS` or `webhook:NAME`."""

import re
from typing import Literal, NamedTuple, cast
from urllib.parse import urlsplit

TargetKind = Literal["sqs", "sns", "eventbridge", "webhook"]

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
# https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html
_RULES = {
    "sqs": re.compile(r"[A-Za-z0-9_-]{1,80}\Z"),
    "sns": re.compile(r"[A-Za-z0-9_-]{1,256}\Z"),
    "eventbridge": re.compile(r"[A-Za-z0-9._-]{1,256}\Z"),
    "webhook": re.compile(r"[a-z][a-z0-9_-]{0,31}\Z"),
}


class Target(NamedTuple):
    """One receiver of verdict events: a queue, topic or bus of the same account, or a webhook of the profiles file."""

    kind: TargetKind
    name: str


def parse(text: str) -> Target:
    """The target that `text` names; raises ValueError with the rule that it breaks."""
    kind, _, name = text.partition(":")
    rule = _RULES.get(kind)
    if rule is None or not rule.match(name):
        raise ValueError(f"{text!r} must be sqs:QUEUE, sns:TOPIC, eventbridge:BUS or webhook:NAME")
    return Target(cast("TargetKind", kind), name)


def url_problem(url: str) -> str | None:
    """What is wrong with a webhook's address, in a sentence, or None.

    `http` is for receivers beside us: whether an address may be called at all is decided when it is connected to.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        return "must be an https:// (or http://) URL with a host"
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "must hold no user, password or fragment: what signs an event is a secret of its own"
    if not url.isascii() or any(character.isspace() for character in url) or len(url) > 2048:
        return "must be at most 2,048 ASCII characters without spaces"
    return None
