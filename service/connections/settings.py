"""Settings of connections. A client that is neither broken nor hostile meets none of these limits."""

from pydantic import Field, ValidationInfo, field_validator

from aws.settings import AwsSettings
from service.connections import open_files


class ConnectionSettings(AwsSettings):
    """How long clients may take, and how many connections and waiting requests there may be in one pod."""

    # Apache gives a header and a body 20 s each: https://httpd.apache.org/docs/2.4/mod/mod_reqtimeout.html
    header_seconds: float = Field(default=20, ge=1, le=300)
    """From the first byte of a request to the end of its header."""
    body_seconds: float = Field(default=20, ge=1, le=300)
    """From the end of the header to the end of the body."""
    response_seconds: float = Field(default=30, ge=1, le=300)
    """How long a client may leave the rest of a response unread."""
    # A load balancer must be the first to close: AWS's closes after 60 s, and would send a request into our close.
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
    keep_alive_seconds: float = Field(default=75, ge=5, le=4000)
    """How long a connection stays open without a request."""
    connections: int = Field(default=3000, ge=16, le=100_000)
    waiting_requests: int = Field(default=2000, ge=1, le=100_000)
    """How many requests may wait for their body, or with `?wait=` for a change."""
    owner_waiting_requests: int = Field(default=1000, ge=1, le=100_000)
    """How many of these one owner may have."""

    @field_validator("connections")
    @classmethod
    def _is_possible(cls, value: int) -> int:
        if value > (most := open_files.most()):
            raise ValueError(f"must be {most:g} at most, because of the process's limit of open files (ulimit -Hn)")
        return value

    @field_validator("waiting_requests")
    @classmethod
    def _leaves_connections_for_others(cls, value: int, info: ValidationInfo) -> int:
        if value >= info.data.get("connections", value + 1):
            raise ValueError("must be below AIRLOCK_CONNECTIONS, or waiting requests leave no connection for others")
        return value

    @field_validator("owner_waiting_requests")
    @classmethod
    def _leaves_places_for_others(cls, value: int, info: ValidationInfo) -> int:
        if value > info.data.get("waiting_requests", value):
            raise ValueError("must be AIRLOCK_WAITING_REQUESTS at most")
        return value
