"""What callers send, as strict models: unknown fields are refused, and every error names its field and rule."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from airlock.errors import FieldError, Refused
from airlock.intent import MAX_FILENAME_CHARACTERS
from airlock.lifecycle import State
from airlock.upload_session import MAX_LIFETIME, MAX_UPLOADS
from service.models.names import Name

# Of a request's body, in bytes.
MAX_BODY = 64 * 1024
# Of a long poll, in seconds.
MAX_WAIT = 60
# Uploads in one page of a list.
MAX_PAGE = 100
# The largest whole number that JSON carries everywhere (RFC 8259, section 6).
MAX_INTEGER = 2**53 - 1
# Broken rules that one response lists.
MAX_PROBLEMS = 20
# For the API's document only: `intent.check` enforces them, with the other rules for file names.
_NAME_LENGTHS: dict[str, JsonValue] = {"minLength": 1, "maxLength": MAX_FILENAME_CHARACTERS}

M = TypeVar("M", bound=BaseModel)


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewUpload(_Body):
    """The file to upload. Only the file name is required; S3 enforces exactly what else is declared."""

    profile: Annotated[str | None, Field(description="A profile's name; without it the default profile")] = None
    filename: Annotated[
        str,
        Field(
            description="A name for people, of 1 to 255 characters; it is never part of a key",
            json_schema_extra={**_NAME_LENGTHS, "examples": ["photo.png"]},
        ),
    ]
    content_type: Annotated[str | None, Field(description="type/subtype; without it the extension's type")] = None
    size: Annotated[
        int | None, Field(description="In bytes. S3 then accepts exactly this size", ge=0, le=MAX_INTEGER)
    ] = None
    sha256: Annotated[
        str | None,
        Field(
            description="64 hexadecimal digits, or base64. S3 then accepts exactly these bytes",
            json_schema_extra={"pattern": "^([0-9A-Fa-f]{64}|[A-Za-z0-9+/]{43}=)$"},
        ),
    ] = None
    metadata: Annotated[
        dict[str, str] | None, Field(description="Values under the names that the profile allows", max_length=50)
    ] = None

    # The problem code when a field has the wrong type.
    codes: ClassVar[Mapping[str, str]] = {
        "filename": "invalid_filename",
        "content_type": "invalid_content_type",
        "sha256": "invalid_sha256",
        "metadata": "invalid_metadata",
    }


class NewSession(_Body):
    """An upload session: for whom, and within which limits. All fields are optional."""

    profile: Annotated[str | None, Field(description="A profile's name; without it the default profile")] = None
    owner: Annotated[Name | None, Field(description="The owner of the uploads; without it the caller")] = None
    max_uploads: Annotated[int, Field(description="How many uploads may be created", ge=1, le=MAX_UPLOADS)] = 1
    max_bytes: Annotated[
        int | None,
        Field(description="Of all uploads together; without it the profile's limit for so many", ge=1, le=MAX_INTEGER),
    ] = None
    expires_in: Annotated[int, Field(description="Seconds until the session ends", ge=1, le=MAX_LIFETIME)] = 900


class StatusQuery(_Query):
    """How long to wait for a change, and which state the caller knows."""

    wait: Annotated[
        int | None,
        Field(description="Seconds to wait for the state to change before the response is sent", ge=1, le=MAX_WAIT),
    ] = None
    state: Annotated[
        State | None, Field(description="The state that the caller knows; without it the state at the time of the call")
    ] = None


class ListQuery(_Query):
    """Which of the caller's uploads to list."""

    state: Annotated[State | None, Field(description="Only uploads in this recorded state")] = None
    cursor: Annotated[str | None, Field(description="`cursor` of the previous page", max_length=1024)] = None
    limit: Annotated[int, Field(description="Uploads in the page, at most", ge=1, le=MAX_PAGE)] = 50


class FilenameQuery(BaseModel):
    """The query of the article's contract. Other parameters are ignored, as they are there."""

    model_config = ConfigDict(extra="ignore")

    filename: Annotated[
        str,
        Field(description="The file's name; its extension sets the content type", json_schema_extra=_NAME_LENGTHS),
    ]

    codes: ClassVar[Mapping[str, str]] = {"filename": "invalid_filename"}


async def read_body(request: web.Request) -> bytes:
    """The body, as `request.read()`, which takes four times as long for a body that has arrived already."""
    content = request.content
    if content.is_eof() and content.total_bytes <= MAX_BODY and not content.at_eof():
        return content.read_nowait()
    return await request.read()


def parse(model: type[M], body: bytes) -> M:
    """The body as `model`; raises Refused with every broken rule (code invalid_json, or the first field's code)."""
    try:
        # What `model_validate_json` calls, without its options: in half of its time.
        # https://docs.pydantic.dev/latest/api/base_model/#pydantic.BaseModel.__pydantic_validator__
        parsed: M = model.__pydantic_validator__.validate_json(body)
    except ValidationError as error:
        raise _refusal(model, error) from None
    return parsed


def parse_query(model: type[M], query: Mapping[str, str]) -> M:
    """The query as `model`; raises Refused with every broken rule."""
    try:
        return model.model_validate(dict(query))
    except ValidationError as error:
        raise _refusal(model, error) from None


def _refusal(model: type[BaseModel], error: ValidationError) -> Refused:
    items = error.errors(include_url=False, include_input=False)
    if items[0]["type"] == "json_invalid":
        reason = str(items[0].get("ctx", {}).get("error", "it cannot be parsed"))
        return Refused("invalid_json", f"The body must be JSON in UTF-8: {reason}")
    problems = [_problem(model, item) for item in items[:MAX_PROBLEMS]]
    first = problems[0]
    return Refused(first.code, first.detail, field=first.field or None, errors=problems if first.field else ())


def _problem(model: type[BaseModel], item: Any) -> FieldError:
    path = [str(part)[:64] for part in item["loc"]]
    field, kind = ".".join(path), item["type"]
    if not path:
        return FieldError("", "invalid_fields", "The body must be a JSON object")
    if kind == "extra_forbidden":
        known = ", ".join(model.model_fields)
        return FieldError(field, "invalid_fields", f"Unknown field {field!r}; the fields are {known}")
    sentence = f"{field}: {item['msg'][:1].lower()}{item['msg'][1:]}"
    return FieldError(field, _code(model, path[0], kind), sentence)


def _code(model: type[BaseModel], field: str, kind: str) -> str:
    if kind == "missing":
        return "invalid_fields"
    if field == "size":
        return _SIZES.get(kind, "invalid_fields")
    codes: Mapping[str, str] = getattr(model, "codes", {})
    return codes.get(field, "invalid_fields")


_SIZES: Mapping[str, Literal["size_too_small", "size_too_large"]] = {
    "greater_than_equal": "size_too_small",
    "less_than_equal": "size_too_large",
    "int_parsing_size": "size_too_large",
}
