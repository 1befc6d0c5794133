"""One dead letter, and what its body tells without being believed."""

from dataclasses import dataclass

from pydantic_core import from_json

from airlock import events, keys
from airlock.errors import BadNotification
from airlock.events import Event, ObjectCreated
from ops.dead_letters.cause import cause
from workers.deliveries.delivery import Delivery


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as it was received. `sent_at` in seconds since the epoch. `reason` and `attempts` are what the worker
    said who buried it; None where SQS moved it by itself.
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
        """The ids of the uploads that its body is about, as it says; none where the body cannot be read."""
        try:
            about = [_upload(event, prefix) for event in events.parse(self.body)]
        except BadNotification:
            about = [self._delivered()]
        return tuple(dict.fromkeys(upload for upload in about if upload))

    def _delivered(self) -> str | None:
        try:
            event = from_json(Delivery.parse(self.body).event)
        except (BadNotification, ValueError):
            return None
        subject = event.get("subject") if isinstance(event, dict) else None
        return _if_id(subject) if isinstance(subject, str) else None


def _upload(event: Event, prefix: str) -> str | None:
    return keys.upload_id_of(prefix, event.key) if isinstance(event, ObjectCreated) else _if_id(event.upload)


def _if_id(text: str) -> str | None:
    return keys.upload_id_of("", f"/{text}")
