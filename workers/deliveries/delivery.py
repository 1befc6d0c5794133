"""One verdict event for one webhook, as a message on the delivery queue."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from airlock.errors import BadNotification


class Delivery(BaseModel):
    """`event` is the text of a CloudEvent, sent unchanged. `published_at` is in seconds since the epoch."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )

    webhook: str = Field(min_length=1, max_length=32)
    event_id: str = Field(min_length=1, max_length=64)
    event: str = Field(min_length=2)
    # The name in the message stays: during an update old and new workers share the queue.
    published_at: float = Field(alias="since", ge=0, allow_inf_nan=False)

    def to_text(self) -> str:
        """The message body that `parse` reads."""
        return self.model_dump_json()

    @classmethod
    def parse(cls, body: str) -> Self:
        """Read a message body; raises BadNotification where `to_text` cannot have written it."""
        try:
            return cls.model_validate_json(body)
        except ValidationError:
            raise BadNotification("the message is not a delivery to a webhook") from None
