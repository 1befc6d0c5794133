"""What the service responds with: the models that the API's document shows, and the one way to send JSON.

The models only describe. The responses are built from plain dicts, since building a model takes longer than signing a
policy; tests hold every response to its model.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal

import orjson
from aiohttp import hdrs, web
from multidict import CIMultiDict
from pydantic import BaseModel, ConfigDict, Field

from airlock.lifecycle import State, Step
from airlock.upload_session import Session
from airlock.verdict import Outcome

JSON = "application/json"
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
# Built once: a copy of it takes a third of the time of building it from a dict.
_HEADERS = CIMultiDict({hdrs.CONTENT_TYPE: JSON, hdrs.CACHE_CONTROL: "no-store"})


class _Response(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Links(_Response):
    """Further calls for this upload: paths on this service."""

    self: str
    content: str


class Form(_Response):
    """A multipart form to post: all `fields` unchanged, then the file as `file`."""

    method: Literal["POST"]
    url: str
    fields: dict[str, str]


class PresignedPolicy(_Response):
    """The article's contract: post all `fields` and then `file` to `url`."""

    url: str
    fields: dict[str, str]


class CreatedUpload(_Response):
    """A new upload and the policy to send it with, valid until `expires_at`."""

    id: str
    state: Literal[State.AWAITING_UPLOAD]
    upload: Form
    expires_at: datetime
    max_bytes: int = Field(description="The largest size that this policy accepts, in bytes")
    links: Links


class FoundFinding(_Response):
    """What one check found."""

    code: str
    check: str
    outcome: Outcome = Field(description="What the finding calls for; `accepted` is a note, and no objection")
    message: str


class FoundReading(_Response):
    """One format in which programs would read the bytes, and the checks that examined it."""

    media_type: str
    examined_by: list[str] = Field(description="Empty where the profile takes it unexamined, or a finding says why")


class UsedEngine(_Response):
    """A scanner that scanned the bytes."""

    name: str
    version: str
    signatures_at: datetime | None


class GivenVerdict(_Response):
    """The outcome of the inspection, and its evidence."""

    outcome: Outcome
    findings: list[FoundFinding]
    engines: list[UsedEngine]
    missing: list[str] = Field(description="Engines that did not scan, where the profile allows that for large objects")
    bytes: int
    sha256: str | None
    media_type: str | None = Field(description="The detected media type")
    readings: list[FoundReading] = Field(description="Each format of the bytes, the one that they are kept under first")
    members: dict[str, int] = Field(description="How many files of each media type are inside, at any depth")
    inspected_at: datetime


class MadeChange(_Response):
    """A change after the first verdict: newer signatures revoked it, or an operator released the bytes."""

    step: Literal[Step.REVOKE, Step.RELEASE]
    before: Outcome = Field(description="The outcome until then")
    at: datetime
    reason: str


class UploadStatus(_Response):
    """One upload. Until an object arrives it has only id, state, times and links."""

    id: str
    state: State
    profile: str | None = None
    filename: str | None = None
    content_type: str | None = None
    size: int | None = None
    created_at: datetime
    updated_at: datetime | None = None
    expires_at: datetime | None = Field(default=None, description="When the policy ends; absent once an object arrived")
    verdict: GivenVerdict | None = None
    changes: list[MadeChange] | None = Field(default=None, description="Changes of the verdict, oldest first, if any")
    overwrites: int | None = Field(
        default=None, description="Later objects that came by the same policy; they are deleted"
    )
    overwritten_at: datetime | None = Field(default=None, description="When the last of them came")
    links: Links


class UploadPage(_Response):
    """Some uploads, newest first, and the cursor of the next page; null on the last page."""

    uploads: list[UploadStatus]
    cursor: str | None


class WithdrawnUpload(_Response):
    """An upload that its owner withdrew. Its bytes are deleted soon."""

    id: str
    state: Literal[State.WITHDRAWN]


class CreatedSession(_Response):
    """A token for a page: `max_uploads` uploads of `max_bytes` bytes in all, until `expires_at`."""

    token: str = Field(description="Send it as 'Authorization: Bearer <token>'")
    owner: str
    profile: str
    max_uploads: int
    max_bytes: int
    expires_at: datetime


class Health(_Response):
    """Whether the service can work, and what is unavailable: calls that need it answer 503, whatever `status` is."""

    status: Literal["ok", "unavailable"]
    away: list[str] = []


def json_response(document: Any, status: int = 200, headers: Mapping[str, str] = NO_HEADERS) -> web.Response:
    """`document` as JSON, with further headers; times in it are UTC and end in Z."""
    response = web.Response(body=orjson.dumps(document, option=orjson.OPT_UTC_Z), status=status, headers=_HEADERS)
    if headers:
        response.headers.update(headers)
    return response


def session_created(token: str, session: Session) -> web.Response:
    """The response to a new session. No other response holds its token."""
    document: dict[str, Any] = {"token": token, "owner": session.owner, "profile": session.profile}
    document |= {"max_uploads": session.max_uploads, "max_bytes": session.max_bytes}
    return json_response({**document, "expires_at": instant(session.expires_at)}, 201)


def instant(seconds: float) -> datetime:
    """Seconds since the epoch as a UTC time, rounded to the millisecond."""
    return datetime.fromtimestamp(round(seconds, 3), UTC)
