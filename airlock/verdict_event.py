"""The event that tells back ends about a settled upload: CloudEvents 1.0, JSON format, structured mode.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from pydantic_core import to_json

from airlock.intent import Intent
from airlock.verdict import Change, Outcome, Verdict

SOURCE = "/airlock/uploads"
CONTENT_TYPE = "application/cloudevents+json"


class VerdictEvent(NamedTuple):
    """One event: its id, its type, and the whole of it as JSON text."""

    id: str
    type: str
    text: str


def event_id(upload: str, version_id: str, change: int = 0, *, failed: bool = False) -> str:
    """The id of one event about this version of this upload: the same at every publication.

    `change` numbers what came after the first verdict: revocations and releases, from 1. That we `failed` is told under
    an id of its own, because another look, which an operator asks for, can still find the verdict.
    """
    numbered = "\0failed" if failed else f"\0{change}" if change else ""
    return hashlib.sha256(f"{upload}\0{version_id}{numbered}".encode()).hexdigest()[:32]


def render(
    *,
    upload: str,
    version_id: str,
    intent: Intent,
    verdict: Verdict,
    location: tuple[str, str, str] | None,
    changes: Sequence[Change] = (),
) -> VerdictEvent:
    """The event. `location` is (bucket, key, version id) of the stored bytes, or None if deleted.

    `changes` are those since the first verdict, oldest first: each is an event of its own. `time` is the inspection's
    or the last change's, not the publication's, so that a repetition is the same text.
    """
    data = {
        "id": upload,
        "owner": intent.owner,
        **({"tenant": intent.tenant} if intent.tenant is not None else {}),
        "profile": intent.profile,
        "filename": intent.filename,
        "content_type": intent.content_type,
        "metadata": dict(intent.metadata),
        "verdict": verdict.model_dump(mode="json", exclude_none=True),
        "location": dict(zip(("bucket", "key", "version_id"), location, strict=True)) if location else None,
        **({"changes": [change.model_dump(mode="json") for change in changes]} if changes else {}),
    }
    identity = event_id(upload, version_id, len(changes), failed=verdict.outcome is Outcome.FAILED)
    kind = f"airlock.upload.{verdict.outcome}"
    envelope = {
        "specversion": "1.0",
        "id": identity,
        "source": SOURCE,
        "type": kind,
        "subject": upload,
        "time": _instant(changes[-1].at if changes else verdict.inspected_at),
        "datacontenttype": "application/json",
        "data": data,
    }
    return VerdictEvent(identity, kind, to_json(envelope).decode("utf-8"))


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
