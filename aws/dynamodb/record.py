"""The record of one upload, and its item in DynamoDB."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from airlock import upload_id
from airlock.lifecycle import State
from airlock.upload_id import InvalidUploadId
from airlock.verdict import Change, Verdict

Item = Mapping[str, Any]
"""A DynamoDB item with typed attributes, such as {"id": {"S": "…"}}."""

Place = Literal["incoming", "accepted", "quarantine", "none"]


class Location(NamedTuple):
    """Where settled bytes are."""

    bucket: str
    key: str
    version_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is known about one upload. Times are seconds since the epoch, UTC; sizes are bytes.

    `version_id` is the version of the incoming object that this upload is bound to; it is empty when the upload was
    withdrawn before its object arrived. `attempts` counts the claims; the first `given_up` of them can no longer settle
    the upload. `place` and `location` say where the bytes are once there is a verdict. DynamoDB may delete the record
    after `expires_at`; with None it stays.

    `overwrites` counts the other versions that were stored with the same policy and deleted; the last one came at
    `overwritten_at`. A version counts twice when a worker ended while it deleted it.

    `changes` are the changes of the verdict, oldest first. `moving_from` is where the bytes were before a change that
    is not finished: the process that finishes it deletes them there, and no other may. `rescanned` is the verdict of
    the last inspection of accepted bytes that changed nothing.

    `withdrawn_at` is when its owner withdrew the upload. It is all that the service writes, and whatever else the
    record says, its `state` is then withdrawn. Nothing but the id is known of an upload that was withdrawn before its
    object arrived: it has no `owner`.
    """

    id: str
    owner: str
    state: State
    created_at: float
    updated_at: float
    profile: str = ""
    filename: str = ""
    content_type: str = ""
    size: int = 0
    version_id: str = ""
    etag: str = ""
    sequencer: str = ""
    attempts: int = 0
    given_up: int = 0
    declared_size: int | None = None
    declared_sha256: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    tenant: str | None = None
    verdict: Verdict | None = None
    place: Place = "incoming"
    location: Location | None = None
    event_id: str | None = None
    overwrites: int = 0
    overwritten_at: float | None = None
    changes: tuple[Change, ...] = ()
    moving_from: Location | None = None
    rescanned: Verdict | None = None
    expires_at: int | None = None
    withdrawn_at: float | None = None


def _number(value: float) -> Item:
    return {"N": repr(value)}


def _text(value: str) -> Item:
    return {"S": value}


class _AttributeType(NamedTuple):
    write: Callable[[Any], Item]
    read: Callable[[Any], Any]


TEXT = _AttributeType(_text, lambda typed: typed["S"])
INTEGER = _AttributeType(_number, lambda typed: int(typed["N"]))
TIME = _AttributeType(_number, lambda typed: float(typed["N"]))
# What the service writes is read whatever it is: it must not end the work on an upload, nor a scan of the table.
MARK = _AttributeType(_number, lambda typed: float(typed.get("N", 0)))
STATE = _AttributeType(lambda state: _text(state.value), lambda typed: State(typed["S"]))
VERDICT = _AttributeType(lambda verdict: _text(verdict.to_json()), lambda typed: Verdict.from_json(typed["S"]))
TEXTS = _AttributeType(
    lambda texts: {"M": {name: _text(text) for name, text in texts.items()}},
    lambda typed: {name: text["S"] for name, text in typed["M"].items()},
)
CHANGES = _AttributeType(
    lambda changes: {"L": [_text(change.model_dump_json()) for change in changes]},
    lambda typed: tuple(Change.model_validate_json(text["S"]) for text in typed["L"]),
)
LOCATION = _AttributeType(
    lambda location: {"L": [_text(part) for part in location]},
    lambda typed: Location(*(part["S"] for part in typed["L"])),
)


class _Attribute(NamedTuple):
    name: str
    type: _AttributeType


# By field of Record. `owner` and `created` are the keys of the owner index; `expires_at` is the TTL attribute.
ATTRIBUTES: Mapping[str, _Attribute] = MappingProxyType(
    {
        "id": _Attribute("id", TEXT),
        "owner": _Attribute("owner", TEXT),
        "state": _Attribute("state", STATE),
        "created_at": _Attribute("created", TIME),
        "updated_at": _Attribute("updated", TIME),
        "profile": _Attribute("profile", TEXT),
        "filename": _Attribute("filename", TEXT),
        "content_type": _Attribute("content_type", TEXT),
        "size": _Attribute("size", INTEGER),
        "version_id": _Attribute("version_id", TEXT),
        "etag": _Attribute("etag", TEXT),
        "sequencer": _Attribute("sequencer", TEXT),
        "attempts": _Attribute("attempts", INTEGER),
        "given_up": _Attribute("given_up", INTEGER),
        "declared_size": _Attribute("declared_size", INTEGER),
        "declared_sha256": _Attribute("declared_sha256", TEXT),
        "metadata": _Attribute("metadata", TEXTS),
        "tenant": _Attribute("tenant", TEXT),
        "verdict": _Attribute("verdict", VERDICT),
        "place": _Attribute("place", TEXT),
        "location": _Attribute("location", LOCATION),
        "event_id": _Attribute("event_id", TEXT),
        "overwrites": _Attribute("overwrites", INTEGER),
        "overwritten_at": _Attribute("overwritten_at", TIME),
        "changes": _Attribute("changes", CHANGES),
        "moving_from": _Attribute("moving_from", LOCATION),
        "rescanned": _Attribute("rescanned", VERDICT),
        "expires_at": _Attribute("expires_at", INTEGER),
        "withdrawn_at": _Attribute("withdrawn_at", MARK),
    }
)


def attributes(values: Mapping[str, Any]) -> dict[str, Item]:
    """Typed attributes, by attribute name, of the fields in `values`. A field that is None has no attribute."""
    return {
        ATTRIBUTES[name].name: ATTRIBUTES[name].type.write(value) for name, value in values.items() if value is not None
    }


def to_item(record: Record) -> dict[str, Item]:
    """The whole record as an item."""
    return attributes({name: getattr(record, name) for name in ATTRIBUTES})


_NO_OWNER = {"owner": ""}


def from_item(item: Item) -> Record | None:
    """The record of an item; None for an item of something else, and for one in which nothing is recorded."""
    # An upload id holds no '#'. The id of every other item does, and the service may write into those.
    if "#" in item["id"]["S"]:
        return None
    fields = {
        name: attribute.type.read(item[attribute.name])
        for name, attribute in ATTRIBUTES.items()
        if attribute.name in item
    }
    if "withdrawn_at" in fields:
        return _withdrawn(fields)
    return Record(**_NO_OWNER | fields) if "state" in fields else None


def _withdrawn(fields: dict[str, Any]) -> Record | None:
    at = fields["withdrawn_at"]
    if "state" in fields:
        return Record(**{**_NO_OWNER, **fields, "state": State.WITHDRAWN, "updated_at": max(fields["updated_at"], at)})
    try:
        issued_at = upload_id.unverified(fields["id"]).issued_at
    except InvalidUploadId:
        return None
    return Record(
        id=fields["id"],
        owner="",
        state=State.WITHDRAWN,
        created_at=issued_at,
        updated_at=at,
        place="none",
        withdrawn_at=at,
    )
