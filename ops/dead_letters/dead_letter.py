"""One message of a dead-letter queue. What its body says is shown, and not believed."""

from dataclasses import dataclass

from pydantic_core import from_json

from airlock import events, keys
from airlock.errors import BadNotification
from airlock.events import Event, ObjectCreated
from ops.dead_letters.cause import cause
from workers.deliveries.delivery import Delivery


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message as it was received. `sent_at`, when it became a dead letter, is in seconds since the epoch.

    `reason` and `attempts` were set by the worker that buried it; they are None where SQS moved the message.
    """

    id: str
    receipt: str
    body: str
    sent_at: float
    reason: str | None
    attempts: str | None

    @property
    def cause(self) -> str:
        """The group of its reason."""
        return cause(self.reason)

    def uploads(self, prefix: str) -> tuple[str, ...]:
        """The ids of the uploads that its body names; none where the body cannot be read."""
        try:
            ids = [_upload_id(event, prefix) for event in events.parse(self.body)]
        except BadNotification:
            ids = [self._delivered_upload()]
        return tuple(dict.fromkeys(each for each in ids if each))

    def _delivered_upload(self) -> str | None:
        try:
            event = from_json(Delivery.parse(self.body).event)
        except (BadNotification, ValueError):
            return None
        subject = event.get("subject") if isinstance(event, dict) else None
        return _if_id(subject) if isinstance(subject, str) else None


def _upload_id(event: Event, prefix: str) -> str | None:
    return keys.upload_id_of(prefix, event.key) if isinstance(event, ObjectCreated) else _if_id(event.upload)


def _if_id(text: str) -> str | None:
    return keys.upload_id_of("", f"/{text}")
