"""Scans the table: finds records whose object is gone, and items that should have expired."""

from functools import partial

from airlock import events, keys
from airlock.events import ObjectCreated
from airlock.lifecycle import State
from aws.dynamodb.record import Record
from aws.maintenance.record_scan import Kept
from ops.reconcile.context import Context
from ops.reconcile.discrepancy import Discrepancy
from ops.reconcile.settled import name

# "Typically deletes expired items within a few days":
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
EXPIRED_SECONDS = 2 * 24 * 3600


async def scan(context: Context, began: float, *, accepted_was_scanned: bool) -> None:
    """`began` (seconds since the epoch) is when the run began. Where accepted was scanned, a record that is older than
    that, and whose object was not seen there, may have lost its object.
    """
    before = began - context.options.grace if accepted_was_scanned else 0.0
    async for page in context.pages("items of the table", context.table.page):
        for kept in page:
            await _repair(context, kept, before)


async def _repair(context: Context, kept: Kept, before: float) -> None:
    if kept.expires_at is not None and context.old(kept.expires_at, EXPIRED_SECONDS):
        await context.repairs.do(Discrepancy.EXPIRED, kept.id, partial(context.table.forget, kept))
    elif kept.record is None:
        return
    elif kept.record.state in (State.RECEIVED, State.INSPECTING):
        await _unsettled(context, kept.record)
    elif kept.record.moving_from is not None and context.old(kept.record.updated_at, context.options.stuck):
        context.repairs.leave(Discrepancy.REVISION, kept.id)
    elif kept.record.state is State.ACCEPTED and kept.record.updated_at < before:
        await _accepted(context, kept.record)


async def _unsettled(context: Context, record: Record) -> None:
    if not context.old(record.updated_at, context.options.stuck):
        return
    bucket, key = context.settings.incoming_bucket, keys.incoming(context.settings.incoming_prefix, record.id)
    if await context.throttle.retry(lambda: context.inventory.holds(bucket, key, record.version_id)):
        return
    gone = ObjectCreated(bucket, key, record.version_id, record.etag, record.size, record.sequencer)
    await context.repairs.send(Discrepancy.GONE, record.id, events.notification(gone))


async def _accepted(context: Context, record: Record) -> None:
    location = record.location
    if location is None or name(location) in context.accepted:
        return
    if await context.throttle.retry(lambda: context.inventory.holds(*location)):
        return
    # It may have been withdrawn, revoked or released since the page was read.
    now = await context.throttle.retry(lambda: context.records.get(record.id))
    if now is not None and now.state is State.ACCEPTED and now.location == location:
        context.repairs.leave(Discrepancy.LOST, name(location))
