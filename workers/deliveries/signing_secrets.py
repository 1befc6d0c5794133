"""The secrets that sign webhooks, from a TOML file: for each webhook a list, the newest first.

Each has the form that the Standard Webhooks specification gives it:
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, RootModel, StringConstraints, ValidationError

from airlock.errors import AirlockError
from airlock.profiles import Profiles

PREFIX = "whsec_"


class WebhookSecretsError(AirlockError):
    """A secret is missing or invalid. The message lists all problems, one a line, and never contains a value."""


def _secret(value: str) -> str:
    try:
        key = base64.b64decode(value.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if not value.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError("must be whsec_ and the base64 of 24 to 64 bytes")
    return value


Secret = Annotated[str, StringConstraints(strict=True), AfterValidator(_secret)]


class _File(RootModel[dict[str, list[Secret]]]):
    pass


def load(profiles: Profiles, file: Path | None) -> Mapping[str, Sequence[str]]:
    """The secrets of all webhooks that `profiles` notify, from `file`; raises WebhookSecretsError or OSError."""
    webhooks = profiles.notified("webhook")
    if not webhooks:
        return {}
    if file is None:
        raise WebhookSecretsError(f"AIRLOCK_WEBHOOK_SECRETS is needed for the webhooks {', '.join(webhooks)}")
    try:
        return parse(file.read_text("utf-8"), webhooks)
    except WebhookSecretsError as error:
        raise WebhookSecretsError(f"{file}: {error}") from None


def parse(text: str, webhooks: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """The secrets of each of `webhooks`, the newest first. All of them sign, so that a receiver can change its secret.

    Raises WebhookSecretsError.
    """
    try:
        found = _File.model_validate(tomllib.loads(text)).root
    except tomllib.TOMLDecodeError as error:
        raise WebhookSecretsError(f"is not TOML: {error}") from None
    except ValidationError as error:
        raise WebhookSecretsError("\n".join(_lines(error))) from None
    missing = [name for name in webhooks if not found.get(name)]
    if missing:
        raise WebhookSecretsError(f"there is no secret for {', '.join(missing)}")
    return found


def _lines(error: ValidationError) -> list[str]:
    items = error.errors(include_url=False, include_input=False)
    return [f"{'.'.join(map(str, item['loc']))}: {item['msg'].removeprefix('Value error, ')}" for item in items]
