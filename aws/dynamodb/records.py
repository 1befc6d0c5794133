"""The records of uploads in DynamoDB. Every change is one conditional write that the lifecycle allows."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from airlock.errors import Conflict, Unavailable
from airlock.lifecycle import RECORD_SECONDS, State, Step
from airlock.upload_id import MAX_LIFETIME
from airlock.verdict import Change, Outcome, Verdict
from aws.dynamodb import batch_get, change_writes, conditional_write, inspection_writes, owner_pages
from aws.dynamodb.batch_get import BATCH
from aws.dynamodb.conditional_write import ConditionalWrite
from aws.dynamodb.inspection_writes import CLAIMABLE
from aws.dynamodb.owner_pages import OWNER_INDEX, Page
from aws.dynamodb.record import Location, Place, Record, attributes, from_item
from aws.errors import translate
from aws.retry import DYNAMODB, RetryPolicy

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

__all__ = ["BATCH", "OWNER_INDEX", "Claim", "ClaimResult", "Location", "Page", "Place", "Record", "Records"]

# How long after its issue a withdrawn upload is remembered: nothing can come by any policy then.
TOMBSTONE_SECONDS = MAX_LIFETIME + RECORD_SECONDS

ClaimResult = Literal["claimed", "settled", "overwritten", "withdrawn", "unrecorded"]

_SETTLED = frozenset(outcome.state for outcome in Outcome) - CLAIMABLE


@dataclass(frozen=True, slots=True)
class Claim:
    """The result of a claim, and the record in the table after it.

    claimed: this worker must inspect the version. settled: the version has a verdict, whose settlement must be
    finished. overwritten: the upload is bound to another version. withdrawn: the owner withdrew the upload. unrecorded:
    there is no record and none was made; `record` is the one that was to be claimed.
    """

    record: Record
    result: ClaimResult


class Records:
    """The table of uploads. All methods raise Unavailable("dynamodb"). `now` is in seconds since the epoch."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str, retry: RetryPolicy = DYNAMODB) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._retry = retry

    async def get(self, upload: str) -> Record | None:
        """The record, read consistently, or None where there is none."""
        with translate("dynamodb"):
            answer = await self._dynamodb.get_item(TableName=self._table, Key=_key(upload), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None

    async def batch_get(self, uploads: Iterable[str]) -> dict[str, Record]:
        """The records of those uploads that have one, by upload id, read consistently."""
        return await batch_get.read(self._dynamodb, self._table, uploads, self._retry)

    async def claim(self, record: Record, *, create: bool = True) -> Claim:
        """Count an attempt, and bind the upload to `record.version_id` for good unless it is bound to another version.

        Without `create` no record is made: only an upload that is bound to this version already can be claimed.

        `record` describes the object as it arrived, with the time of the claim in `updated_at`. Its state, attempts and
        verdict are ignored, and its `created_at` is used for a new record only. Since the binding is for good, the
        accepted key is written from one version only, and a late copy by another worker does no harm.
        """
        new, old = await self._write(record.id, inspection_writes.claiming(record, create=create))
        if new is None and old is None and not create:
            return Claim(record, "unrecorded")
        return Claim(new, "claimed") if new else _not_claimed(record, old)

    async def overwritten(self, upload: str, version_id: str, now: float) -> None:
        """Count a version that is not the one to which the upload is bound. Nothing happens where it is that one."""
        await self._write(upload, inspection_writes.overwriting(version_id, now))

    async def give_back(self, claimed: Record, now: float) -> Record:
        """End a claim without a verdict (inspecting → received). Nothing happens when it has ended so already.

        Raises Conflict when the upload is in another state, is bound to another version, or was claimed again.
        """
        new, old = await self._write(claimed.id, inspection_writes.giving_back(claimed, now))
        if new:
            return new
        if old and old.version_id == claimed.version_id and old.state is State.RECEIVED:
            return old
        raise _conflict(Step.GIVE_BACK, old)

    async def settle(
        self,
        claimed: Record,
        verdict: Verdict,
        *,
        place: Place,
        location: Location | None = None,
        event_id: str | None = None,
        expires_at: int | None = None,
        now: float,
    ) -> Record:
        """Record the verdict on the version that was claimed, and where its bytes are now; returns the record.

        The verdict `failed` gives up `claimed` and every claim before it.

        When that version has a verdict already, the first verdict stays, and the record is returned as it is. Raises
        Conflict when the upload was withdrawn, is bound to another version, is not being inspected, or when this claim
        was given up; for the verdict `failed` also when the upload was claimed again.
        """
        step, state = verdict.outcome.step, verdict.outcome.state
        write = inspection_writes.settling(
            claimed, verdict, place=place, location=location, event_id=event_id, expires_at=expires_at, now=now
        )
        new, old = await self._write(claimed.id, write)
        if new:
            return new
        if old and old.version_id == claimed.version_id and old.state in (*_SETTLED, state):
            return old
        raise _conflict(step, old)

    async def begin_change(self, record: Record, step: Step, now: float) -> Record:
        """Note that the bytes of `record` will be moved, by a step that changes its verdict. It may be repeated.

        It sets `updated_at` to `now`, which is how others tell a change in progress from one that has stopped.

        Raises Conflict when the step is not allowed (any more), or the verdict was changed meanwhile.
        """
        new, old = await self._write(record.id, change_writes.beginning(record, step, now))
        if new is None:
            raise _conflict(step, old)
        return new

    async def change(
        self,
        record: Record,
        change: Change,
        verdict: Verdict,
        *,
        place: Place,
        location: Location | None,
        event_id: str,
        now: float,
    ) -> Record:
        """Record a change of the verdict of `record`, and where the bytes are now; returns the record.

        It may be repeated with the same change. Raises Conflict as `begin_change` does.
        """
        write = change_writes.making(
            record, change, verdict, place=place, location=location, event_id=event_id, now=now
        )
        new, old = await self._write(record.id, write)
        if new is None and old and old.changes == (*record.changes, change):
            return old
        if new is None:
            raise _conflict(change.step, old)
        return new

    async def end_change(self, record: Record) -> None:
        """Note that the bytes are only where `record` says. Nothing happens when another change has begun."""
        await self._write(record.id, change_writes.ending(record))

    async def rescanned(self, record: Record, verdict: Verdict) -> None:
        """Record the verdict of a later inspection, unless the bytes are no longer accepted."""
        await self._write(record.id, change_writes.confirming(record, verdict))

    async def withdraw(self, upload: str, now: float) -> None:
        """Mark an upload as withdrawn; it may be repeated. What was recorded before stays readable.

        It writes `withdrawn_at` and names no other attribute, since the service's role allows no other. Where there is
        no record, an item is made with that alone, so that an object that arrives later is not kept.
        """
        with translate("dynamodb"):
            await self._dynamodb.update_item(
                TableName=self._table,
                Key=_key(upload),
                UpdateExpression="SET #withdrawn_at = if_not_exists(#withdrawn_at, :now)",
                ExpressionAttributeNames={"#withdrawn_at": "withdrawn_at"},
                ExpressionAttributeValues={":now": attributes({"withdrawn_at": now})["withdrawn_at"]},
            )

    async def end_withdrawal(self, record: Record) -> None:
        """Record the state of an upload that is marked as withdrawn; it may be repeated.

        Before that the service could take its mark back. A record without `expires_at` gets a time after which no
        object can arrive any more.
        """
        end = int(record.created_at) + TOMBSTONE_SECONDS
        write = ConditionalWrite(
            sets=attributes({"state": State.WITHDRAWN, "updated_at": record.updated_at}),
            defaults=attributes({"created_at": record.created_at, "place": "none", "attempts": 0, "expires_at": end}),
            condition="attribute_exists(#withdrawn_at)",
        )
        await conditional_write.run(self._dynamodb, self._table, record.id, write)

    async def list(self, owner: str, state: State | None = None, cursor: str | None = None, limit: int = 50) -> Page:
        """The owner's uploads, newest first; `cursor` is that of the page before.

        With `state` a page can be short, or empty, and still have a cursor, since it reads a limited number of records.
        Raises Refused("invalid_cursor") for a cursor that is not from a page.
        """
        return await owner_pages.read(self._dynamodb, self._table, owner, state, cursor, limit)

    async def ping(self) -> None:
        """Raises Unavailable when the table cannot be read."""
        with translate("dynamodb"):
            await self._dynamodb.get_item(TableName=self._table, Key=_key("-"), ProjectionExpression="id")

    async def _write(self, upload: str, write: ConditionalWrite) -> tuple[Record | None, Record | None]:
        new, old = await conditional_write.run(self._dynamodb, self._table, upload, write)
        if new is None and old is None:
            # There is no record, or this server does not return the one that it found, as AWS does.
            old = await self.get(upload)
        return new, old


def _key(upload: str) -> Any:
    return {"id": {"S": upload}}


def _not_claimed(wanted: Record, old: Record | None) -> Claim:
    if old is None:
        raise Unavailable("dynamodb", "UpdateItem: the condition did not hold, but no record was found")
    if old.state is State.WITHDRAWN:
        return Claim(old, "withdrawn")
    return Claim(old, "settled" if old.version_id == wanted.version_id else "overwritten")


def _conflict(step: Step, old: Record | None) -> Conflict:
    found = f"is {old.state}, bound to version {old.version_id!r} (attempt {old.attempts})" if old else "has no record"
    return Conflict(f"{step}: the upload {found}")
