"""The settings that both pods share: where S3, SQS and DynamoDB are, and the names of what is in them."""

import ipaddress
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from airlock import origins
from airlock.profiles import Profiles

ENV_PREFIX = "AIRLOCK_"
SECRET_MIN_LENGTH = 32


def _named(pattern: str, rule: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(rule)
        return value

    return AfterValidator(check)


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an http:// or https:// address")
    if parts.username or parts.password or parts.query or parts.fragment or parts.path not in ("", "/"):
        raise ValueError("must be scheme, host and port only")
    return value.removesuffix("/")


# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
BucketName = Annotated[
    str,
    _named(
        r"(?!xn--)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "must be a bucket name: 3 to 63 of a-z, 0-9, '.' and '-', beginning and ending with a letter or digit",
    ),
]
# A FIFO queue (".fifo") cannot be the target of an S3 notification.
QueueName = Annotated[
    str, _named(r"[A-Za-z0-9_-]{1,80}", "must be a standard queue's name: 1 to 80 of A-Z, a-z, 0-9, _ and -")
]
TableName = Annotated[
    str, _named(r"[A-Za-z0-9_.-]{3,255}", "must be a table name: 3 to 255 of A-Z, a-z, 0-9, '_', '.' and '-'")
]
Region = Annotated[str, _named(r"[a-z0-9]+(-[a-z0-9]+)*", "must be a region, such as eu-central-1")]
Prefix = Annotated[
    str,
    _named(
        r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*",
        "must be a key prefix of A-Z, a-z, 0-9, _ . - and inner slashes",
    ),
]
Origin = Annotated[str, AfterValidator(_origin)]

T = TypeVar("T")


def _listed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not value.lstrip().startswith("["):
        return [part.strip() for part in value.split(",") if part.strip()]
    try:
        return json.loads(value)
    except ValueError:
        # The error of the decoder quotes the text, which can be secret.
        raise ValueError("must be a JSON list of strings, or strings separated by commas") from None


CommaSeparated = Annotated[list[T], NoDecode, BeforeValidator(_listed)]
"""A list whose variable holds a JSON list, or strings separated by commas: `a, b` is `["a", "b"]`."""
CorsOrigins = Annotated[
    CommaSeparated[Annotated[str, AfterValidator(origins.normal)]], AfterValidator(origins.distinct)
]
"""Origins of pages, as `airlock.origins` reads them: for the service and for its buckets."""


def _long_secrets(value: list[SecretStr]) -> list[SecretStr]:
    if not value:
        raise ValueError("needs at least one secret")
    short = [str(number) for number, secret in enumerate(value, 1) if len(secret) < SECRET_MIN_LENGTH]
    if short:
        raise ValueError(f"each must have at least {SECRET_MIN_LENGTH} characters (too short: no. {', '.join(short)})")
    return value


class AwsSettings(BaseSettings):
    """Read from the environment variables AIRLOCK_REGION and so on, once, and frozen then.

    AWS credentials are not among them: they come from the ordinary chain (AWS_ACCESS_KEY_ID, a profile, IRSA, ...). A
    blank variable counts as unset. Raises pydantic.ValidationError with all problems at once; see `problems`.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        validate_default=True,
        # Without it the error would show a secret that was refused.
        hide_input_in_errors=True,
    )

    region: Region
    endpoint_url: Origin | None = None
    """The address of S3, SQS and DynamoDB, where that is an emulator; None for AWS."""
    public_s3_url: Origin | None = None
    """The address at which browsers reach S3, where it differs from ours."""
    addressing: Literal["virtual", "path"] = "virtual"
    incoming_bucket: BucketName
    accepted_bucket: BucketName
    quarantine_bucket: BucketName
    incoming_prefix: Prefix = "incoming"
    table: TableName = "airlock-uploads"
    queue: QueueName = "airlock-objects"
    dead_letter_queue: QueueName = "airlock-dead-letters"
    delivery_queue: QueueName = "airlock-deliveries"
    """Verdict events to be delivered to webhooks."""
    undelivered_queue: QueueName = "airlock-undelivered"
    """Verdict events that a webhook did not accept within a day."""
    profiles: Path = Path("airlock.toml")
    secrets: Annotated[CommaSeparated[SecretStr], AfterValidator(_long_secrets)]
    """Keys of the MAC in upload ids, newest first: the first signs, all verify."""

    @model_validator(mode="before")
    @classmethod
    def _blank_is_unset(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        return {name: value for name, value in values.items() if not (isinstance(value, str) and not value.strip())}

    @field_validator("profiles")
    @classmethod
    def _has_a_known_format(cls, value: Path) -> Path:
        if value.suffix not in (".toml", ".json"):
            raise ValueError("must name a .toml or .json file")
        return value

    # Checks across fields are validators of a field: those of the model do not run while any field is wrong, and all
    # problems must be reported together.
    @field_validator("accepted_bucket", "quarantine_bucket")
    @classmethod
    def _bucket_is_distinct(cls, value: str, info: ValidationInfo) -> str:
        for other in ("incoming_bucket", "accepted_bucket"):
            if other != info.field_name and info.data.get(other) == value:
                raise ValueError(f"must differ from {other}")
        return value

    @field_validator("dead_letter_queue", "delivery_queue", "undelivered_queue")
    @classmethod
    def _queue_is_distinct(cls, value: str, info: ValidationInfo) -> str:
        for other in ("queue", "dead_letter_queue", "delivery_queue"):
            if other != info.field_name and info.data.get(other) == value:
                raise ValueError(f"must differ from {other}")
        return value

    @field_validator("addressing")
    @classmethod
    def _fits_the_address(cls, value: str, info: ValidationInfo) -> str:
        address = info.data.get("public_s3_url") or info.data.get("endpoint_url")
        if value == "virtual" and address and _is_ip(address):
            raise ValueError("must be path: a bucket cannot be a subdomain of an IP address")
        return value

    @property
    def s3_url(self) -> str | None:
        """The address at which browsers reach S3; None for AWS."""
        return self.public_s3_url or self.endpoint_url


def _is_ip(origin: str) -> bool:
    try:
        ipaddress.ip_address(urlsplit(origin).hostname or "")
    except ValueError:
        return False
    return True


def read_profiles(path: Path) -> Profiles:
    """The profiles in a .json or TOML file. Raises ProfileError, OSError or UnicodeDecodeError."""
    return Profiles.load(path.read_text("utf-8"), "json" if path.suffix == ".json" else "toml")


def problems(error: ValidationError) -> list[str]:
    """A line for each wrong setting: its variable and the rule, such as `AIRLOCK_REGION: Field required`. No values."""
    return [
        f"{_variable(problem['loc'])}: {_sentence(problem['msg'])}" for problem in error.errors(include_input=False)
    ]


def _variable(location: tuple[int | str, ...]) -> str:
    name = f"{ENV_PREFIX}{location[0]}".upper() if location else ENV_PREFIX
    return name + "".join(f"[{part}]" for part in location[1:])


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ")
