"""What the service answers: the models that the API's document shows, and the making of each answer.

The models describe and the functions make: building one model an answer would cost more than signing it. Tests
hold every answer to its model.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal

import orjson
from aiohttp import hdrs, web
from multidict import CIMultiDict
from pydantic import BaseModel, ConfigDict, Field

from airlock.lifecycle import State, Step, derived
from airlock.upload_id import UploadId
from airlock.upload_session import Session
from airlock.verdict import Outcome
from aws.dynamodb.records import Page, Record
from service.uploads.creator import Created

PATH = "/v1/uploads"
JSON = "application/json"
# Folded once: copying them is then a third of the price of reading a dict of plain strings.
_HEADERS = CIMultiDict({hdrs.CONTENT_TYPE: JSON, hdrs.CACHE_CONTROL: "no-store"})
NONE: Mapping[str, str] = MappingProxyType({})


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Links(_Answer):
    """Where to ask on, relative to the service."""

    self: str
    content: str


class Form(_Answer):
    """A multipart form to post: all `fields` as they are, then the file as `file`."""

    method: Literal["POST"]
    url: str
    fields: dict[str, str]


class PresignedPolicy(_Answer):
    """The article's contract: post all `fields` and then `file` to `url`."""

    url: str
    fields: dict[str, str]


class CreatedUpload(_Answer):
    """A new upload and the policy to send it with, until `expires_at`."""

    id: str
    state: Literal[State.AWAITING_UPLOAD]
    upload: Form
    expires_at: datetime
    max_bytes: int = Field(description="The most that this policy takes, in bytes")
    links: Links


class FoundFinding(_Answer):
    """What one check objects to."""

    code: str
    check: str
    message: str


class UsedEngine(_Answer):
    """A scanner that looked at the bytes."""

    name: str
    version: str
    signatures_at: datetime | None


class GivenVerdict(_Answer):
    """What became of the bytes, and on what evidence."""

    outcome: Outcome
    findings: list[FoundFinding]
    engines: list[UsedEngine]
    missing: list[str] = Field(description="Engines that did not look, where the profile accepts that of large objects")
    bytes: int
    sha256: str | None
    media_type: str | None = Field(description="The type that the bytes are of")
    inspected_at: datetime


class MadeChange(_Answer):
    """What came after a first verdict: newer signatures revoked it, or an operator released the bytes."""

    step: Literal[Step.REVOKE, Step.RELEASE]
    before: Outcome = Field(description="The outcome until then")
    at: datetime
    reason: str


class UploadStatus(_Answer):
    """One upload. Until something arrives it has no more than id, state, times and links."""

    id: str
    state: State
    profile: str | None = None
    filename: str | None = None
    content_type: str | None = None
    size: int | None = None
    created_at: datetime
    updated_at: datetime | None = None
    expires_at: datetime | None = Field(default=None, description="When the policy ends; until something arrives")
    verdict: GivenVerdict | None = None
    changes: list[MadeChange] | None = Field(default=None, description="Changes of the verdict, oldest first, if any")
    overwrites: int | None = Field(default=None, description="How often something else came by the policy; not kept")
    overwritten_at: datetime | None = Field(default=None, description="When that happened last")
    links: Links


class UploadPage(_Answer):
    """Some uploads, newest first, and the cursor of the next page; null where there is no more."""

    uploads: list[UploadStatus]
    cursor: str | None


class WithdrawnUpload(_Answer):
    """An upload that its owner took back. Its bytes are removed soon."""

    id: str
    state: Literal[State.WITHDRAWN]


class CreatedSession(_Answer):
    """A token for a page: it allows `max_uploads` uploads of `max_bytes` bytes in all, until `expires_at`."""

    token: str = Field(description="To be sent as 'Authorization: Bearer <token>'")
    owner: str
    profile: str
    max_uploads: int
    max_bytes: int
    expires_at: datetime


class Health(_Answer):
    """Whether the service can work, and what is away where it cannot."""

    status: Literal["ok", "unavailable"]
    away: list[str] = []


def state_of(upload: UploadId, record: Record | None, now: float) -> State:
    """The state of an upload, by its record, or by its id where there is none."""
    return record.state if record else derived(upload.expires_at, now)


def json_response(document: Any, status: int = 200, headers: Mapping[str, str] = NONE) -> web.Response:
    """`document` as JSON, with further header fields; times in it are UTC and end in Z."""
    response = web.Response(body=orjson.dumps(document, option=orjson.OPT_UTC_Z), status=status, headers=_HEADERS)
    if headers:
        response.headers.update(headers)
    return response


def created(new: Created) -> web.Response:
    """The answer to a new upload."""
    upload, policy, max_bytes, headers = new
    links = _links(upload.text)
    document = {
        "id": upload.text,
        "state": State.AWAITING_UPLOAD,
        "upload": {"method": "POST", "url": policy.url, "fields": policy.fields},
        "expires_at": policy.expires_at,
        "max_bytes": max_bytes,
        "links": links,
    }
    response = json_response(document, 201, headers)
    response.headers[hdrs.LOCATION] = links["self"]
    return response


def session_created(token: str, session: Session) -> web.Response:
    """The answer to a new session, the only one that ever holds its token."""
    document: dict[str, Any] = {"token": token, "owner": session.owner, "profile": session.profile}
    document |= {"max_uploads": session.max_uploads, "max_bytes": session.max_bytes}
    return json_response({**document, "expires_at": instant(session.expires_at)}, 201)


def status(upload: UploadId, record: Record | None, now: float) -> web.Response:
    """The answer about one upload."""
    if record:
        return json_response(_recorded(record))
    return json_response(
        {
            "id": upload.text,
            "state": derived(upload.expires_at, now),
            "created_at": instant(upload.issued_at),
            "expires_at": instant(upload.expires_at),
            "links": _links(upload.text),
        }
    )


def page(found: Page) -> web.Response:
    """The answer to a list."""
    return json_response({"uploads": [_recorded(record) for record in found.records], "cursor": found.cursor})


def instant(seconds: float) -> datetime:
    """Seconds since the epoch as a time, to the millisecond."""
    return datetime.fromtimestamp(round(seconds, 3), UTC)


def _links(upload: str) -> dict[str, str]:
    return {"self": f"{PATH}/{upload}", "content": f"{PATH}/{upload}/content"}


def _recorded(record: Record) -> dict[str, Any]:
    described = {"profile": record.profile, "filename": record.filename, "content_type": record.content_type}
    document: dict[str, Any] = {"id": record.id, "state": record.state}
    # A withdrawal that came before any object knows none of these.
    if record.version_id:
        document |= {**described, "size": record.size}
    document["created_at"] = instant(record.created_at)
    document["updated_at"] = instant(record.updated_at)
    if record.verdict:
        document["verdict"] = _verdict(record)
    if record.changes:
        # Not by whom: that is between operators.
        document["changes"] = [
            {"step": each.step, "before": each.before, "at": each.at, "reason": each.reason} for each in record.changes
        ]
    if record.overwritten_at is not None:
        document["overwrites"] = record.overwrites
        document["overwritten_at"] = instant(record.overwritten_at)
    document["links"] = _links(record.id)
    return document


def _verdict(record: Record) -> dict[str, Any] | None:
    verdict = record.verdict
    if verdict is None:
        return None
    return {
        "outcome": verdict.outcome,
        "findings": [{"code": f.code, "check": f.check, "message": f.message} for f in verdict.findings],
        "engines": [engine.model_dump() for engine in verdict.engines],
        "missing": verdict.missing,
        "bytes": verdict.bytes,
        "sha256": verdict.sha256,
        "media_type": verdict.media_type,
        "inspected_at": verdict.inspected_at,
    }
