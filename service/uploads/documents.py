"""The JSON of an upload, from its id and its record: what the models in service/models/responses.py describe."""

from typing import Any

from aiohttp import hdrs, web

from airlock.lifecycle import State, derived
from airlock.upload_id import UploadId
from airlock.verdict import Verdict
from aws.dynamodb.records import Page, Record
from service.models.responses import instant, json_response
from service.uploads.creator import Created

PATH = "/v1/uploads"


def state_of(upload: UploadId, record: Record | None, now: float) -> State:
    """The state of an upload at `now` (seconds since the epoch): its record's, or without one what its id implies."""
    return record.state if record else derived(upload.expires_at, now)


def created(new: Created) -> web.Response:
    """The response to a new upload."""
    links = _links(new.upload.text)
    document = {
        "id": new.upload.text,
        "state": State.AWAITING_UPLOAD,
        "upload": {"method": "POST", "url": new.policy.url, "fields": new.policy.fields},
        "expires_at": new.policy.expires_at,
        "max_bytes": new.max_bytes,
        "links": links,
    }
    response = json_response(document, 201, new.headers)
    response.headers[hdrs.LOCATION] = links["self"]
    return response


def status(upload: UploadId, record: Record | None, now: float) -> web.Response:
    """The response about one upload."""
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
    """One page of a list."""
    return json_response({"uploads": [_recorded(record) for record in found.records], "cursor": found.cursor})


def _links(upload: str) -> dict[str, str]:
    return {"self": f"{PATH}/{upload}", "content": f"{PATH}/{upload}/content"}


def _recorded(record: Record) -> dict[str, Any]:
    document: dict[str, Any] = {"id": record.id, "state": record.state}
    # An upload that was withdrawn before an object arrived has none of these.
    if record.version_id:
        document |= {"profile": record.profile, "filename": record.filename}
        document |= {"content_type": record.content_type, "size": record.size}
    document["created_at"] = instant(record.created_at)
    document["updated_at"] = instant(record.updated_at)
    if record.verdict:
        document["verdict"] = _verdict(record.verdict)
    if record.changes:
        # Without the operator's name, which is not for callers.
        document["changes"] = [
            {"step": each.step, "before": each.before, "at": each.at, "reason": each.reason} for each in record.changes
        ]
    if record.overwritten_at is not None:
        document["overwrites"] = record.overwrites
        document["overwritten_at"] = instant(record.overwritten_at)
    document["links"] = _links(record.id)
    return document


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "outcome": verdict.outcome,
        "findings": [
            {"code": f.code, "check": f.check, "outcome": f.outcome, "message": f.message} for f in verdict.findings
        ],
        "engines": [engine.model_dump() for engine in verdict.engines],
        "missing": verdict.missing,
        "bytes": verdict.bytes,
        "sha256": verdict.sha256,
        "media_type": verdict.media_type,
        "readings": [each.model_dump() for each in verdict.readings],
        "members": verdict.members,
        "inspected_at": verdict.inspected_at,
    }
