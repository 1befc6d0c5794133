"""One verdict event on its way to one webhook, as it lies on the delivery queue."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from airlock.errors import BadNotification


class Delivery(BaseModel):
    """`event` is the CloudEvent's text, sent as it is; `since` is when it was published, in seconds since the epoch."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    webhook: str = Field(min_length=1, max_length=32)
    event_id: str = Field(min_length=1, max_length=64)
    event: str = Field(min_length=2)
    since: float = Field(ge=0, allow_inf_nan=False)

    def to_text(self) -> str:
        """The message body that `parse` reads back."""
        return self.model_dump_json()

    @classmethod
    def parse(cls, body: str) -> Self:
        """Read a message's body; raises BadNotification for what `to_text` did not write."""
        try:
            return cls.model_validate_json(body)
        except ValidationError:
            raise BadNotification("the message is no delivery to a webhook") from None
