"""Records of uploads in DynamoDB: every change is one conditional write that the lifecycle allows."""

import asyncio
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from airlock.errors import Conflict, Unavailable
from airlock.lifecycle import RECORD_SECONDS, State, Step, advance, sources
from airlock.upload_id import MAX_LIFETIME
from airlock.verdict import Change, Outcome, Verdict
from aws import record_changes, record_pages, record_write
from aws.credentials import Sleep
from aws.errors import translate
from aws.record import Location, Place, Record, attributes, from_item, to_item
from aws.record_pages import OWNER_INDEX, Page
from aws.record_write import Write, state_in
from aws.sqs_attempts import Uniform

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

__all__ = ["OWNER_INDEX", "Claim", "Location", "Page", "Place", "Record", "Records", "Standing"]

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
BATCH = 100
ATTEMPTS = 6
# For an upload of which not even the policy's end is told.
TOMBSTONE_SECONDS = MAX_LIFETIME + RECORD_SECONDS
FIRST_PAUSE = 0.05

Standing = Literal["claimed", "settled", "overwritten", "withdrawn", "forgotten"]

_CLAIMABLE = sources(Step.CLAIM) - {State.AWAITING_UPLOAD, State.EXPIRED}
_SETTLED = frozenset(outcome.state for outcome in Outcome) - _CLAIMABLE
# Kept from the first claim, counted, or the work of the settlement.
_NOT_CLAIMED = frozenset(
    {"id", "created", "attempts", "given_up", "overwrites", "overwritten_at"}
    | {"verdict", "place", "location", "event_id", "changes"}
)
# Whoever gives up removes the copies of the claims that there were: a later claim does not make them valid again.
_NOT_GIVEN_UP = "(attribute_not_exists(#given_up) OR #given_up < :attempt)"
_LATEST = "#attempts = :attempt"


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

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        table: str,
        *,
        sleep: Sleep = asyncio.sleep,
        uniform: Uniform = random.uniform,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._sleep = sleep
        self._uniform = uniform

    async def get(self, upload: str) -> Record | None:
        """The record as of the last write, or None."""
        with translate("dynamodb"):
            answer = await self._dynamodb.get_item(TableName=self._table, Key=_key(upload), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None

    async def batch_get(self, uploads: Iterable[str]) -> dict[str, Record]:
        """The records of those that have one, by upload id, each as of the last write."""
        wanted = list(dict.fromkeys(uploads))
        found: dict[str, Record] = {}
        for start in range(0, len(wanted), BATCH):
            for item in await self._batch([_key(upload) for upload in wanted[start : start + BATCH]]):
                record = from_item(item)
                found[record.id] = record
        return found

    async def _batch(self, keys: list[Any]) -> list[Any]:
        items: list[Any] = []
        for attempt in range(ATTEMPTS):
            if attempt:
                await self._sleep(self._uniform(0, FIRST_PAUSE * 2**attempt))
            asked: Any = {self._table: {"Keys": keys, "ConsistentRead": True}}
            with translate("dynamodb"):
                answer: Any = await self._dynamodb.batch_get_item(RequestItems=asked)
                items += answer["Responses"].get(self._table, ())
            keys = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            if not keys:
                return items
        raise Unavailable("dynamodb", "BatchGetItem: keys stay unprocessed")

    async def claim(self, record: Record, *, anew: bool = True) -> Claim:
        """Count an attempt and bind the upload, for good, to `record.version_id`, unless it is bound to another.

        With `anew` false nothing is bound: only an upload that is bound to this version already can be claimed again.

        `record` describes the object as it arrived, with `updated_at` as the time of the claim; its state, attempts
        and verdict do not count, and `created_at` counts for a new record only. The accepted key is thus written from
        one version ever, and a copy by a worker that was thought dead can do no harm.
        """
        described = {name: value for name, value in to_item(record).items() if name not in _NOT_CLAIMED}
        claimable, values = state_in(_CLAIMABLE)
        bound = f"(#version_id = :version_id AND {claimable})"
        write = Write(
            sets=described | attributes({"state": State.INSPECTING}),
            defaults=attributes({"created_at": record.created_at, "place": "incoming"}),
            remove=("verdict", "event_id", "location"),
            count="attempts",
            condition=("attribute_not_exists(#id) OR " if anew else "") + bound,
            values=values,
        )
        new, old = await self._write(record.id, write)
        if new is None and old is None and not anew:
            return Claim(record, "forgotten")
        return Claim(new, "claimed") if new else _standing(record, old)

    async def overwritten(self, upload: str, version_id: str, now: float) -> None:
        """Count a version that came for an upload which is bound to another; nothing happens where it is not."""
        write = Write(
            sets=attributes({"overwritten_at": now}),
            count="overwrites",
            condition="attribute_exists(#id) AND #version_id <> :late",
            values={"late": {"S": version_id}},
        )
        await self._write(upload, write)

    async def give_back(self, claimed: Record, now: float) -> Record:
        """Put an inspection back (inspecting → received) before another try; nothing happens when it is back already.

        Raises Conflict when the upload is in another state, bound to another version, or was claimed again.
        """
        new, old = await self._end(claimed, Step.GIVE_BACK, {}, _LATEST, now)
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
        settled = {"verdict": verdict, "place": place, "location": location, "event_id": event_id}
        changes = {**settled, "expires_at": expires_at}
        if step is Step.FAIL:
            new, old = await self._end(claimed, step, {**changes, "given_up": claimed.attempts}, _LATEST, now)
        else:
            new, old = await self._end(claimed, step, changes, _NOT_GIVEN_UP, now)
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

    async def _end(
        self, claimed: Record, step: Step, changes: Mapping[str, Any], whose: str, now: float
    ) -> tuple[Record | None, Record | None]:
        """End the inspection that a claim began, by that step; `whose` says of which claims it may be."""
        allowed, values = state_in(sources(step))
        write = Write(
            sets=attributes({**changes, "state": _after(step), "updated_at": now}),
            condition=f"#version_id = :bound AND {allowed} AND {whose}",
            values={**values, "bound": {"S": claimed.version_id}, "attempt": {"N": str(claimed.attempts)}},
        )
        return await self._write(claimed.id, write)

    async def _write(self, upload: str, write: Write) -> tuple[Record | None, Record | None]:
        new, old = await record_write.run(self._dynamodb, self._table, upload, write)
        if new is None and old is None:
            # There was no record, or the server does not tell which one it was, as AWS does.
            old = await self.get(upload)
        return new, old


def _key(upload: str) -> Any:
    return {"id": {"S": upload}}


def _after(step: Step) -> State:
    """The state to which a step leads; from wherever it is allowed, it is the same."""
    return advance(next(iter(sources(step))), step)


def _standing(wanted: Record, old: Record | None) -> Claim:
    if old is None:
        raise Unavailable("dynamodb", "UpdateItem: the table did not tell which record stood in the way")
    if old.state is State.WITHDRAWN:
        return Claim(old, "withdrawn")
    return Claim(old, "settled" if old.version_id == wanted.version_id else "overwritten")


def _conflict(step: Step, old: Record | None) -> Conflict:
    found = f"is {old.state}, bound to version {old.version_id!r} (attempt {old.attempts})" if old else "has no record"
    return Conflict(f"{step}: the upload {found}")
