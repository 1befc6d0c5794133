"""Records of uploads in DynamoDB: every change is one conditional write that the lifecycle allows."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from airlock.errors import Conflict, Unavailable
from airlock.lifecycle import RECORD_SECONDS, State, Step
from airlock.upload_id import MAX_LIFETIME
from airlock.verdict import Change, Outcome, Verdict
from aws.dynamodb import batch as record_batch
from aws.dynamodb import changes as record_changes
from aws.dynamodb import inspections as record_inspections
from aws.dynamodb import pages as record_pages
from aws.dynamodb import write as record_write
from aws.dynamodb.batch import BATCH
from aws.dynamodb.inspections import CLAIMABLE
from aws.dynamodb.pages import OWNER_INDEX, Page
from aws.dynamodb.record import Location, Place, Record, attributes, from_item
from aws.dynamodb.write import Write
from aws.errors import translate
from aws.retry import DYNAMODB, RetryPolicy

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

__all__ = ["BATCH", "OWNER_INDEX", "Claim", "Location", "Page", "Place", "Record", "Records", "Standing"]

# For an upload of which not even the policy's end is told.
TOMBSTONE_SECONDS = MAX_LIFETIME + RECORD_SECONDS

Standing = Literal["claimed", "settled", "overwritten", "withdrawn", "forgotten"]

_SETTLED = frozenset(outcome.state for outcome in Outcome) - CLAIMABLE


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim came to. `record` is the one in the table after it.

    claimed: inspect it. settled: this version has its verdict, make it true again. overwritten: the upload is bound to
    another version. withdrawn: the owner took the upload back. forgotten: there is no record, and none may be made;
    `record` is the one that was to be claimed.
    """

    record: Record
    standing: Standing


class Records:
    """The table of uploads. All methods raise Unavailable("dynamodb") when it is away. `now` is in unix seconds."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str, retry: RetryPolicy = DYNAMODB) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._retry = retry

    async def get(self, upload: str) -> Record | None:
        """The record as of the last write, or None."""
        with translate("dynamodb"):
            answer = await self._dynamodb.get_item(TableName=self._table, Key=_key(upload), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None

    async def batch_get(self, uploads: Iterable[str]) -> dict[str, Record]:
        """The records of those that have one, by upload id, each as of the last write."""
        return await record_batch.read(self._dynamodb, self._table, uploads, self._retry)

    async def claim(self, record: Record, *, anew: bool = True) -> Claim:
        """Count an attempt and bind the upload, for good, to `record.version_id`, unless it is bound to another.

        With `anew` false nothing is bound: only an upload that is bound to this version already can be claimed again.

        `record` describes the object as it arrived, with `updated_at` as the time of the claim; its state, attempts
        and verdict do not count, and `created_at` counts for a new record only. The accepted key is thus written from
        one version ever, and a copy by a worker that was thought dead can do no harm.
        """
        new, old = await self._write(record.id, record_inspections.claiming(record, anew=anew))
        if new is None and old is None and not anew:
            return Claim(record, "forgotten")
        return Claim(new, "claimed") if new else _standing(record, old)

    async def overwritten(self, upload: str, version_id: str, now: float) -> None:
        """Count a version that came for an upload which is bound to another; nothing happens where it is not."""
        await self._write(upload, record_inspections.overwriting(version_id, now))

    async def give_back(self, claimed: Record, now: float) -> Record:
        """Put an inspection back (inspecting → received) before another try; nothing happens when it is back already.

        Raises Conflict when the upload is in another state, bound to another version, or was claimed again.
        """
        new, old = await self._write(claimed.id, record_inspections.giving_back(claimed, now))
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
        """Record the verdict on the version that was claimed, and where its bytes went; returns the record.

        The verdict `failed` gives up `claimed`, as it was claimed or read, and every claim before it.

        When that version has a verdict already, the first one stays and is returned. Raises Conflict when the upload
        was withdrawn, is bound to another version, is not being inspected, or was given up after the claim, even if it
        was claimed again since. To give up raises it where a later claim is at work.
        """
        step, state = verdict.outcome.step, verdict.outcome.state
        write = record_inspections.settling(
            claimed, verdict, place=place, location=location, event_id=event_id, expires_at=expires_at, now=now
        )
        new, old = await self._write(claimed.id, write)
        if new:
            return new
        if old and old.version_id == claimed.version_id and old.state in (*_SETTLED, state):
            return old
        raise _conflict(step, old)

    async def begin_change(self, record: Record, step: Step, now: float) -> Record:
        """Say that the bytes of `record` are about to be moved, by a step that changes its verdict; may be repeated.

        From `now` on it counts as changed: by that time alone others tell what goes on from what has stopped.

        Raises Conflict when the record does not allow the step (any more) or its verdict was changed meanwhile.
        """
        new, old = await self._write(record.id, record_changes.beginning(record, step, now))
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
        """Record a change of the verdict that `record` tells, and where the bytes are after it; returns the record.

        May be repeated with the same change. Raises Conflict as `begin_change` does.
        """
        write = record_changes.making(
            record, change, verdict, place=place, location=location, event_id=event_id, now=now
        )
        new, old = await self._write(record.id, write)
        if new is None and old and old.changes == (*record.changes, change):
            return old
        if new is None:
            raise _conflict(change.step, old)
        return new

    async def end_change(self, record: Record) -> None:
        """Say that the bytes are where `record` says and nowhere else; nothing happens when another change began."""
        await self._write(record.id, record_changes.ending(record))

    async def rescanned(self, record: Record, verdict: Verdict) -> None:
        """Note what a later inspection of accepted bytes found; nothing happens when they are not accepted any more."""
        await self._write(record.id, record_changes.standing(record, verdict))

    async def withdraw(
        self,
        upload: Record | str,
        owner: str,
        now: float,
        *,
        created_at: float | None = None,
        expires_at: int | None = None,
    ) -> Record:
        """Mark an upload as taken back by its owner; may be repeated. What was recorded before stays readable.

        Where there is no record a tombstone is made (with `created_at`, else `now`), so that an object which arrives
        later is known to be unwanted. What had no end gets one: `expires_at`, else a time by which nothing can arrive
        any more. Raises Conflict when the upload is another owner's.
        """
        key = upload if isinstance(upload, str) else upload.id
        created = now if created_at is None else created_at
        end = int(now) + TOMBSTONE_SECONDS if expires_at is None else expires_at
        defaults = attributes({"created_at": created, "place": "none", "attempts": 0, "expires_at": end})
        write = Write(
            sets=attributes({"owner": owner, "state": State.WITHDRAWN, "updated_at": now}),
            defaults=defaults,
            condition="attribute_not_exists(#id) OR #owner = :owner",
        )
        new, _ = await self._write(key, write)
        if new is None:
            raise Conflict("withdraw: the upload is another owner's")
        return new

    async def list(self, owner: str, state: State | None = None, cursor: str | None = None, limit: int = 50) -> Page:
        """The owner's uploads, newest first; `cursor` is an earlier page's.

        With `state` a page can be short, or empty, and still have a cursor: it looks at a bounded number of records.
        Raises Refused("invalid_cursor") for a cursor that no page gave.
        """
        return await record_pages.read(self._dynamodb, self._table, owner, state, cursor, limit)

    async def ping(self) -> None:
        """Raises Unavailable when the table cannot be read."""
        with translate("dynamodb"):
            await self._dynamodb.get_item(TableName=self._table, Key=_key("-"), ProjectionExpression="id")

    async def _write(self, upload: str, write: Write) -> tuple[Record | None, Record | None]:
        new, old = await record_write.run(self._dynamodb, self._table, upload, write)
        if new is None and old is None:
            # There was no record, or the server does not tell which one it was, as AWS does.
            old = await self.get(upload)
        return new, old


def _key(upload: str) -> Any:
    return {"id": {"S": upload}}


def _standing(wanted: Record, old: Record | None) -> Claim:
    if old is None:
        raise Unavailable("dynamodb", "UpdateItem: the table did not tell which record stood in the way")
    if old.state is State.WITHDRAWN:
        return Claim(old, "withdrawn")
    return Claim(old, "settled" if old.version_id == wanted.version_id else "overwritten")


def _conflict(step: Step, old: Record | None) -> Conflict:
    found = f"is {old.state}, bound to version {old.version_id!r} (attempt {old.attempts})" if old else "has no record"
    return Conflict(f"{step}: the upload {found}")
