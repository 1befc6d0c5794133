"""The table: each record leads somewhere, and goes when its time has come."""

from functools import partial

from airlock import events, keys
from airlock.events import ObjectCreated
from airlock.lifecycle import State
from aws.dynamodb.record import Record
from aws.maintenance.record_scan import Kept
from ops.reconcile.report import Kind
from ops.reconcile.settled import name
from ops.reconcile.tour import Tour

# "Typically deletes expired items within a few days":
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
EXPIRED_SECONDS = 2 * 24 * 3600


async def look(tour: Tour, began: float, *, accepted_was_listed: bool) -> None:
    """`began` is when accepted was listed: what is older, and was not seen there, may be lost."""
    before = began - tour.how.grace if accepted_was_listed else 0.0
    async for page in tour.pages("items of the table", tour.table.page):
        for kept in page:
            await _one(tour, kept, before)


async def _one(tour: Tour, kept: Kept, before: float) -> None:
    if kept.expires_at is not None and tour.old(kept.expires_at, EXPIRED_SECONDS):
        await tour.repairs.do(Kind.EXPIRED, kept.id, partial(tour.table.forget, kept))
    elif kept.record is None:
        return
    elif kept.record.state in (State.RECEIVED, State.INSPECTING):
        await _unsettled(tour, kept.record)
    elif kept.record.moving_from is not None and tour.old(kept.record.updated_at, tour.how.stuck):
        tour.repairs.leave(Kind.REVISION, kept.id)
    elif kept.record.state is State.ACCEPTED and kept.record.updated_at < before:
        await _accepted(tour, kept.record)


async def _unsettled(tour: Tour, record: Record) -> None:
    if not tour.old(record.updated_at, tour.how.stuck):
        return
    bucket, key = tour.settings.incoming_bucket, keys.incoming(tour.settings.incoming_prefix, record.id)
    if await tour.patience.ask(lambda: tour.buckets.holds(bucket, key, record.version_id)):
        return
    gone = ObjectCreated(bucket, key, record.version_id, record.etag, record.size, record.sequencer)
    await tour.repairs.send(Kind.GONE, record.id, events.notification(gone))


async def _accepted(tour: Tour, record: Record) -> None:
    location = record.location
    if location is None or name(location) in tour.seen:
        return
    if await tour.patience.ask(lambda: tour.buckets.holds(*location)):
        return
    # It may have been withdrawn, revoked or released since the page was read.
    now = await tour.patience.ask(lambda: tour.records.get(record.id))
    if now is not None and now.state is State.ACCEPTED and now.location == location:
        tour.repairs.leave(Kind.LOST, name(location))
