"""What arrives on the queue: ObjectCreated notifications in each of S3's envelopes, and what our service and our
operators ask for.

Sources: "Event message structure" and "Using EventBridge" of the Amazon S3 user guide; "Parsing message formats" of
the SNS guide. Delivery is at least once and in any order; one message can hold several records.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import from_json, to_json

from airlock import upload_id
from airlock.errors import BadNotification, UnknownRequest

# SNS inside SNS does not happen; a bound keeps a hostile body from making us look for ever.
_MAX_ENVELOPES = 2
# Above every object that S3 can hold, and within what every store of numbers takes.
_MAX_SIZE = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ObjectCreated:
    """One version of one object came to be. `size` in bytes; `etag` without quotes; `sequencer` is S3's, hex."""

    bucket: str
    key: str
    version_id: str
    etag: str
    size: int
    sequencer: str


@dataclass(frozen=True, slots=True)
class WithdrawalRequested:
    """The owner withdrew an upload: its bytes are to be removed from every place."""

    upload: str


@dataclass(frozen=True, slots=True)
class RescanRequested:
    """An accepted object is to be inspected again, with the signatures of today."""

    upload: str


Event = ObjectCreated | WithdrawalRequested | RescanRequested


class _Bucket(BaseModel):
    name: str = Field(min_length=1)


class _Object(BaseModel):
    key: str = Field(min_length=1)
    size: int = Field(ge=0, le=_MAX_SIZE)
    etag: str = Field(alias="eTag", min_length=1)
    version_id: str | None = Field(None, alias="versionId")
    sequencer: str = ""


class _Entity(BaseModel):
    bucket: _Bucket
    object: _Object


class _Record(BaseModel):
    event_name: str = Field(alias="eventName")
    s3: _Entity


class _DetailObject(BaseModel):
    key: str = Field(min_length=1)
    size: int = Field(ge=0, le=_MAX_SIZE)
    etag: str = Field(min_length=1)
    version_id: str | None = Field(None, alias="version-id")
    sequencer: str = ""


class _Detail(BaseModel):
    bucket: _Bucket
    object: _DetailObject


class _Asked(BaseModel):
    """What we ask of ourselves: exactly one of the two. Only an id of an upload's form names a record of an upload."""

    withdraw: str | None = Field(None, pattern=upload_id.FORM)
    rescan: str | None = Field(None, pattern=upload_id.FORM)


def withdrawal(upload: str) -> str:
    """The message body by which the service asks the worker to remove an upload's bytes."""
    return to_json({"airlock": {"withdraw": upload}}).decode("utf-8")


def rescan(upload: str) -> str:
    """The message body by which an operator asks the worker to inspect an accepted object again."""
    return to_json({"airlock": {"rescan": upload}}).decode("utf-8")


def notification(event: ObjectCreated) -> str:
    """The message body that S3 would have sent for `event`: `parse` reads it back to the same."""
    item = {"key": quote_plus(event.key, safe="/"), "size": event.size, "eTag": event.etag}
    item |= {"versionId": event.version_id, "sequencer": event.sequencer}
    entity = {"bucket": {"name": event.bucket}, "object": item}
    return to_json({"Records": [{"eventName": "ObjectCreated:Put", "s3": entity}]}).decode("utf-8")


def parse(body: str) -> list[Event]:
    """The events in one message's body; an empty list for S3's test event.

    Raises BadNotification, with the reason, for everything else.
    """
    try:
        return _read(_document(body), _MAX_ENVELOPES)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadNotification(f"the notification's {where} is not as expected: {first['msg']}") from error


def _document(body: str) -> dict[str, Any]:
    try:
        document = from_json(body.encode("utf-8"))
    except ValueError as error:
        raise BadNotification("the message is not JSON") from error
    if not isinstance(document, dict):
        raise BadNotification("the message is not a JSON object")
    return document


def _read(document: dict[str, Any], envelopes: int) -> list[Event]:
    if "Records" in document:
        return _s3_records(document["Records"])
    if document.get("Event") == "s3:TestEvent":
        return []
    if document.get("source") == "aws.s3":
        return [_event_bridge(document)]
    if "airlock" in document:
        return [_asked(_Asked.model_validate(document["airlock"]))]
    if document.get("Type") == "Notification" and isinstance(document.get("Message"), str) and envelopes:
        return _read(_document(document["Message"]), envelopes - 1)
    raise BadNotification("the message is no ObjectCreated notification")


def _asked(asked: _Asked) -> Event:
    match asked:
        case _Asked(withdraw=str(upload), rescan=None):
            return WithdrawalRequested(upload)
        case _Asked(withdraw=None, rescan=str(upload)):
            return RescanRequested(upload)
        case _:
            raise UnknownRequest("the message asks neither for one withdrawal nor for one rescan")


def _s3_records(records: object) -> list[Event]:
    if not isinstance(records, list) or not records:
        raise BadNotification("the notification's Records are not a list with something in it")
    return [_s3_record(_Record.model_validate(record)) for record in records]


def _s3_record(record: _Record) -> Event:
    if not record.event_name.removeprefix("s3:").startswith("ObjectCreated:"):
        raise BadNotification(f"the notification is of {record.event_name[:64]!r}, not of ObjectCreated")
    item, key = record.s3.object, unquote_plus(record.s3.object.key)
    return _created(record.s3.bucket.name, key, item.version_id, item.etag, item.size, item.sequencer)


def _event_bridge(document: dict[str, Any]) -> Event:
    if document.get("detail-type") != "Object Created":
        raise BadNotification(f"the event is of {str(document.get('detail-type'))[:64]!r}, not of 'Object Created'")
    detail = _Detail.model_validate(document.get("detail"))
    item = detail.object
    # EventBridge, unlike the other envelopes, does not encode keys.
    return _created(detail.bucket.name, item.key, item.version_id, item.etag, item.size, item.sequencer)


def _created(bucket: str, key: str, version: str | None, etag: str, size: int, sequencer: str) -> ObjectCreated:
    if version in (None, "", "null"):
        raise BadNotification(f"the object has no version id: versioning is off on the bucket {bucket[:64]!r}")
    return ObjectCreated(bucket, key, version, etag.strip('"'), size, sequencer)
