"""Scans the table: finds records whose object is gone, and items that should have expired."""

from functools import partial

from airlock import events, keys
from airlock.events import ObjectCreated
from airlock.lifecycle import State
from aws.dynamodb.record import Record
from aws.maintenance.table_scan import TableItem
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
    async for page in context.pages("items of the table", context.table.items):
        for item in page:
            await _repair(context, item, before)


async def _repair(context: Context, item: TableItem, before: float) -> None:
    if item.expires_at is not None and context.old(item.expires_at, EXPIRED_SECONDS):
        await context.repairs.do(Discrepancy.EXPIRED, item.id, partial(context.table.delete_expired, item))
    elif item.record is None:
        return
    elif item.record.state in (State.RECEIVED, State.INSPECTING):
        await _unsettled(context, item.record)
    elif item.record.moving_from is not None and context.old(item.record.updated_at, context.options.stuck):
        context.repairs.leave(Discrepancy.REVISION, item.id)
    elif item.record.state is State.ACCEPTED and item.record.updated_at < before:
        await _accepted(context, item.record)


async def _unsettled(context: Context, record: Record) -> None:
    if not context.old(record.updated_at, context.options.stuck):
        return
    bucket, key = context.settings.incoming_bucket, keys.incoming(context.settings.incoming_prefix, record.id)
    if await context.throttle.retry(lambda: context.listing.has_version(bucket, key, record.version_id)):
        return
    gone = ObjectCreated(bucket, key, record.version_id, record.etag, record.size, record.sequencer)
    await context.repairs.send(Discrepancy.GONE, record.id, events.notification(gone))


async def _accepted(context: Context, record: Record) -> None:
    location = record.location
    if location is None or name(location) in context.accepted:
        return
    if await context.throttle.retry(lambda: context.listing.has_version(*location)):
        return
    # It may have been withdrawn, revoked or released since the page was read.
    now = await context.throttle.retry(lambda: context.records.get(record.id))
    if now is not None and now.state is State.ACCEPTED and now.location == location:
        context.repairs.leave(Discrepancy.LOST, name(location))
