"""What signs webhooks: a TOML file of secrets by webhook, each in the form of the Standard Webhooks specification."""

import base64
import tomllib
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, RootModel, StringConstraints, ValidationError

from airlock.errors import AirlockError

PREFIX = "whsec_"


class WebhookSecretsError(AirlockError):
    """The file of secrets breaks rules; the message lists all of them, a line each, and never quotes a value."""


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


def load(text: str, webhooks: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """The secrets of each of `webhooks`, newest first: all of them sign, so that a receiver can change over.

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
