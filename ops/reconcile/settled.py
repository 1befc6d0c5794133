"""Accepted and quarantine: each version there is the one that its record names, or something is to be done about it."""

from functools import partial

from airlock import events, keys
from airlock.lifecycle import State
from aws.dynamodb.record import Location, Record
from aws.maintenance.inventory import Version
from ops.reconcile.report import Kind
from ops.reconcile.tour import Tour
from workers.settlement.buckets import Buckets


async def look(tour: Tour) -> None:
    """Remove what attempts that ended left behind, send withdrawals again, and tell of what no record names."""
    settings = tour.settings
    for place, bucket in (("accepted", settings.accepted_bucket), ("quarantine", settings.quarantine_bucket)):
        async for page in tour.pages(f"versions in {place}", partial(tour.buckets.versions, bucket, "")):
            named = [(version, keys.upload_ids_in(version.key)) for version in page]
            records = await tour.records_of(upload for _, uploads in named for upload in uploads)
            for version, uploads in named:
                record = next((records[upload] for upload in uploads if upload in records), None)
                await _one(tour, Location(bucket, version.key, version.version_id), version, record)


async def _one(tour: Tour, location: Location, version: Version, record: Record | None) -> None:
    if location.bucket == tour.settings.accepted_bucket:
        tour.seen.add(name(location))
    kind = judge(tour, location, version, record)
    if kind is Kind.WITHDRAWN and record is not None:
        await tour.repairs.send(kind, name(location), events.withdrawal(record.id))
    elif kind is Kind.LEFTOVER:
        await tour.repairs.do(kind, name(location), partial(tour.removal.delete, *location))
    elif kind is not None:
        tour.repairs.leave(kind, name(location))


def judge(tour: Tour, location: Location, version: Version, record: Record | None) -> Kind | None:
    """What a settled version is an instance of; None where it is as it should be, or may become so."""
    if not tour.old(version.modified_at, tour.how.grace):
        return None
    if record is None:
        return _unrecorded(tour, location)
    if record.moving_from is not None or not tour.old(record.updated_at, tour.how.grace):
        return None
    if record.state is State.WITHDRAWN:
        return Kind.WITHDRAWN
    if record.location == location or record.state in (State.RECEIVED, State.INSPECTING):
        # An attempt that is under way may have made this copy, and record it; if not, its settlement removes it.
        return None
    return Kind.LEFTOVER if _is_of_a_claim(tour, location, record) else _unrecorded(tour, location)


def _unrecorded(tour: Tour, location: Location) -> Kind | None:
    """In quarantine it expires by the bucket's own rules."""
    return Kind.UNRECORDED if location.bucket == tour.settings.accepted_bucket else None


def _is_of_a_claim(tour: Tour, location: Location, record: Record) -> bool:
    """Whether a worker can have made it. An id in a key is not enough: others may keep things beside ours."""
    buckets = Buckets.of(tour.settings)
    return location[:2] in buckets.copies(record, tour.profiles.profiles.get(record.profile))


def name(location: Location) -> str:
    """How a version is told of."""
    return f"{location.bucket}/{location.key}?versionId={location.version_id}"
