"""Scans incoming: finds versions that no worker is inspecting, and sends their notifications again."""

import asyncio
from functools import partial

from airlock import events, keys, upload_id
from airlock.errors import Refused, VersionGone
from airlock.events import ObjectCreated
from airlock.intent import Intent, NotOurMetadata
from airlock.lifecycle import LATEST_ARRIVAL_SECONDS, State
from airlock.upload_id import InvalidUploadId
from aws.dynamodb.record import Record
from aws.maintenance.listing import Description, Version
from ops.reconcile.context import Context
from ops.reconcile.discrepancy import Discrepancy

# HEAD requests at the same time, for the metadata of objects that have no record.
CONCURRENT_HEADS = 16


async def scan(context: Context) -> None:
    """Send the notification that S3 would have sent for each version that needs one; the worker does the rest."""
    settings = context.settings
    read = partial(context.listing.versions, settings.incoming_bucket, f"{settings.incoming_prefix}/")
    async for page in context.pages("versions in incoming", read):
        old: list[tuple[str, Version]] = []
        for version in page:
            upload = keys.upload_id_of(settings.incoming_prefix, version.key)
            if upload is None:
                context.repairs.leave(Discrepancy.FOREIGN, _name(context, version))
            elif context.old(version.modified_at, context.options.grace):
                old.append((upload, version))
        await _repair_all(context, old)


async def _repair_all(context: Context, versions: list[tuple[str, Version]]) -> None:
    records = await context.records_of(upload for upload, _ in versions)
    unrecorded = []
    for upload, version in versions:
        discrepancy = judge(context, version, records.get(upload))
        if discrepancy is Discrepancy.MISSED:
            unrecorded.append((upload, version))
        elif discrepancy is not None:
            await _repair(context, discrepancy, upload, version)
    for start in range(0, len(unrecorded), CONCURRENT_HEADS):
        some = unrecorded[start : start + CONCURRENT_HEADS]
        judged = await asyncio.gather(*(_judge_unrecorded(context, *one) for one in some))
        for (upload, version), discrepancy in zip(some, judged, strict=True):
            if discrepancy is not None:
                await _repair(context, discrepancy, upload, version)


def judge(context: Context, version: Version, record: Record | None) -> Discrepancy | None:
    """The discrepancy of a version that is older than the grace time; None while it is in progress."""
    if record is None:
        return Discrepancy.MISSED
    settled = context.old(record.updated_at, context.options.grace)
    if record.state is State.WITHDRAWN:
        return Discrepancy.WITHDRAWN if settled else None
    if record.version_id != version.version_id:
        return Discrepancy.OVERWRITTEN
    if record.state in (State.RECEIVED, State.INSPECTING):
        return Discrepancy.STUCK if context.old(record.updated_at, context.options.stuck) else None
    if record.state is State.FAILED:
        return Discrepancy.FAILED
    return Discrepancy.UNFINISHED if settled else None


async def _judge_unrecorded(context: Context, upload: str, version: Version) -> Discrepancy | None:
    """The worker would bury the notification of an object that is not ours, on every run: so it is not sent."""
    if context.now() > upload_id.unverified(upload).expires_at + LATEST_ARRIVAL_SECONDS:
        return Discrepancy.LATE
    bucket = context.settings.incoming_bucket
    try:
        described = await context.throttle.retry(lambda: context.listing.describe_version(bucket, version))
    except VersionGone:
        return None
    return Discrepancy.MISSED if _is_ours(context, upload, described) else Discrepancy.FOREIGN


def _is_ours(context: Context, upload: str, described: Description) -> bool:
    """The same test as the worker's. The id is verified only where AIRLOCK_SECRETS is set here."""
    secrets = [secret.get_secret_value().encode() for secret in context.settings.secrets]
    try:
        intent = Intent.from_metadata(described.metadata, described.content_type)
        context.profiles.get(intent.profile)
        if secrets:
            upload_id.verify(upload, intent.owner, secrets)
    except (NotOurMetadata, Refused, InvalidUploadId):
        return False
    return True


async def _repair(context: Context, discrepancy: Discrepancy, upload: str, version: Version) -> None:
    name = _name(context, version)
    if discrepancy in (Discrepancy.FAILED, Discrepancy.FOREIGN, Discrepancy.LATE):
        context.repairs.leave(discrepancy, name)
    elif discrepancy is Discrepancy.WITHDRAWN:
        await context.repairs.send(discrepancy, name, events.withdrawal(upload))
    else:
        bucket = context.settings.incoming_bucket
        created = ObjectCreated(bucket, version.key, version.version_id, version.etag, version.size, "")
        await context.repairs.send(discrepancy, name, events.notification(created))


def _name(context: Context, version: Version) -> str:
    return f"{context.settings.incoming_bucket}/{version.key}?versionId={version.version_id}"
