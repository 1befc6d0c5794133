"""The event that tells back ends about a settled upload: CloudEvents 1.0, JSON format, structured mode.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

import hashlib
from datetime import UTC, datetime

from pydantic_core import to_json

from airlock.intent import Intent
from airlock.verdict import Verdict

SOURCE = "/airlock/uploads"
CONTENT_TYPE = "application/cloudevents+json"


def event_id(upload: str, version_id: str) -> str:
    """The id of the one event about this version of this upload: the same at every publication."""
    return hashlib.sha256(f"{upload}\0{version_id}".encode()).hexdigest()[:32]


def render(
    *,
    upload: str,
    version_id: str,
    intent: Intent,
    verdict: Verdict,
    location: tuple[str, str, str] | None,
) -> str:
    """The event as JSON text. `location` is (bucket, key, version id) of the stored bytes, or None if deleted.

    `time` is the inspection's, not the publication's, so that a repetition is the same text.
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
    }
    envelope = {
        "specversion": "1.0",
        "id": event_id(upload, version_id),
        "source": SOURCE,
        "type": f"airlock.upload.{verdict.outcome}",
        "subject": upload,
        "time": _instant(verdict.inspected_at),
        "datacontenttype": "application/json",
        "data": data,
    }
    return to_json(envelope).decode("utf-8")


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
