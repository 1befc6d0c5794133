"""What `airlock provision` must know, read from the same environment as the pods."""

from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from aws.settings import AwsSettings, read_profiles

FOURTEEN_DAYS = 14
"""The longest that SQS keeps a message, and so the longest that an object can wait for its inspection."""


class Settings(AwsSettings):
    """The deployment to make. Secrets are not needed for that: the one who provisions need not know them."""

    model_config = SettingsConfigDict(frozen=True)

    secrets: Annotated[list[SecretStr], NoDecode] = Field(default=[])
    cors_origins: Annotated[list[str], NoDecode] = Field(default=[])
    """Where the pages come from that send files: `https://app.example.com`. A JSON list or comma separated."""
    max_receives: int = Field(default=10, ge=2, le=1000)
    """Receives after which SQS moves a message itself: above the workers' max_attempts, so that only those
    messages go this way that end the worker before it can say why."""
    incoming_days: int = Field(default=FOURTEEN_DAYS, ge=1)
    quarantine_days: int = Field(default=30, ge=1)

    @field_validator("secrets")
    @classmethod
    def _long_secrets(cls, value: list[SecretStr]) -> list[SecretStr]:
        return value

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        return cls._split_secrets(value)

    def verdict_queues(self) -> list[str]:
        """The queues that the profiles notify. Raises ProfileError, or OSError for a file that is not there."""
        return read_profiles(self.profiles).notified("sqs")
