"""Scans accepted and quarantine: finds versions that their record does not name."""

from functools import partial

from airlock import events, keys
from airlock.lifecycle import State
from aws.dynamodb.record import Location, Record
from aws.maintenance.listing import Version
from ops.reconcile.context import Context
from ops.reconcile.discrepancy import Discrepancy
from workers.settlement.buckets import Buckets


async def scan(context: Context) -> None:
    """Remove what ended attempts left behind, send withdrawals again, and report versions that no record names."""
    settings = context.settings
    for place, bucket in (("accepted", settings.accepted_bucket), ("quarantine", settings.quarantine_bucket)):
        async for page in context.pages(f"versions in {place}", partial(context.listing.versions, bucket, "")):
            ids = [(version, keys.upload_ids_in(version.key)) for version in page]
            records = await context.records_of(upload for _, uploads in ids for upload in uploads)
            for version, uploads in ids:
                record = next((records[upload] for upload in uploads if upload in records), None)
                await _repair(context, Location(bucket, version.key, version.version_id), version, record)


async def _repair(context: Context, location: Location, version: Version, record: Record | None) -> None:
    if location.bucket == context.settings.accepted_bucket:
        context.accepted.add(name(location))
    discrepancy = judge(context, location, version, record)
    if discrepancy is Discrepancy.WITHDRAWN and record is not None:
        await context.repairs.send(discrepancy, name(location), events.withdrawal(record.id))
    elif discrepancy is Discrepancy.LEFTOVER:
        await context.repairs.do(discrepancy, name(location), partial(context.objects.delete, *location))
    elif discrepancy is not None:
        context.repairs.leave(discrepancy, name(location))


def judge(context: Context, location: Location, version: Version, record: Record | None) -> Discrepancy | None:
    """The discrepancy of a version; None where its record names it, or an attempt in progress may still do so."""
    if not context.old(version.modified_at, context.options.grace):
        return None
    if record is None:
        return _unrecorded(context, location)
    if record.moving_from is not None or not context.old(record.updated_at, context.options.grace):
        return None
    if record.state is State.WITHDRAWN:
        return Discrepancy.WITHDRAWN
    if record.location == location or record.state in (State.RECEIVED, State.INSPECTING):
        # An attempt in progress may have made this copy, and will name it in the record or remove it.
        return None
    return Discrepancy.LEFTOVER if _made_by_worker(context, location, record) else _unrecorded(context, location)


def _unrecorded(context: Context, location: Location) -> Discrepancy | None:
    """Only in accepted: in quarantine the bucket's lifecycle rule removes it."""
    return Discrepancy.UNRECORDED if location.bucket == context.settings.accepted_bucket else None


def _made_by_worker(context: Context, location: Location, record: Record) -> bool:
    """Whether a worker can have made this copy. An id in the key proves nothing: others may use the bucket too."""
    buckets = Buckets.of(context.settings)
    copies = buckets.copies(record, context.profiles.profiles.get(record.profile))
    return any(each.has(location.bucket, location.key) for each in copies)


def name(location: Location) -> str:
    """The name of a version in summaries and in the Bloom filter."""
    return f"{location.bucket}/{location.key}?versionId={location.version_id}"
