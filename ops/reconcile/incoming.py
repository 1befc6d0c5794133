"""Incoming: each version there is on its way to a verdict, or something is to be done about it."""

import asyncio
from functools import partial

from airlock import events, keys, upload_id
from airlock.errors import Refused
from airlock.events import ObjectCreated
from airlock.intent import Intent, NotOurMetadata
from airlock.lifecycle import LATEST_ARRIVAL_SECONDS, State
from airlock.upload_id import InvalidUploadId
from aws.dynamodb.record import Record
from aws.maintenance.inventory import Description, Version
from ops.reconcile.report import Kind
from ops.reconcile.tour import Tour

# Of objects without a record: what their uploaders said is asked for side by side.
AT_ONCE = 16


async def look(tour: Tour) -> None:
    """Announce again, as S3 would have, what nobody works on; the worker decides what comes of it."""
    settings = tour.settings
    ask = partial(tour.buckets.versions, settings.incoming_bucket, f"{settings.incoming_prefix}/")
    async for page in tour.pages("versions in incoming", ask):
        arrived: list[tuple[str, Version]] = []
        for version in page:
            upload = keys.upload_id_of(settings.incoming_prefix, version.key)
            if upload is None:
                tour.repairs.leave(Kind.FOREIGN, _name(tour, version))
            elif tour.old(version.modified_at, tour.how.grace):
                arrived.append((upload, version))
        await _old(tour, arrived)


async def _old(tour: Tour, arrived: list[tuple[str, Version]]) -> None:
    records = await tour.records_of(upload for upload, _ in arrived)
    unknown = []
    for upload, version in arrived:
        kind = judge(tour, version, records.get(upload))
        if kind is Kind.MISSED:
            unknown.append((upload, version))
        elif kind is not None:
            await _repair(tour, kind, upload, version)
    for start in range(0, len(unknown), AT_ONCE):
        some = unknown[start : start + AT_ONCE]
        kinds = await asyncio.gather(*(_of_unknown(tour, *one) for one in some))
        for (upload, version), kind in zip(some, kinds, strict=True):
            if kind is not None:
                await _repair(tour, kind, upload, version)


def judge(tour: Tour, version: Version, record: Record | None) -> Kind | None:
    """What a version that is no longer young is an instance of; None while it is on its way."""
    if record is None:
        return Kind.MISSED
    settled = tour.old(record.updated_at, tour.how.grace)
    if record.state is State.WITHDRAWN:
        return Kind.WITHDRAWN if settled else None
    if record.version_id != version.version_id:
        return Kind.OVERWRITTEN
    if record.state in (State.RECEIVED, State.INSPECTING):
        return Kind.STUCK if tour.old(record.updated_at, tour.how.stuck) else None
    if record.state is State.FAILED:
        return Kind.FAILED
    return Kind.UNFINISHED if settled else None


async def _of_unknown(tour: Tour, upload: str, version: Version) -> Kind | None:
    """The worker would bury what is not ours, each time that it is announced: once is enough."""
    if tour.now() > upload_id.unverified(upload).expires_at + LATEST_ARRIVAL_SECONDS:
        return Kind.LATE
    described = await tour.patience.ask(lambda: tour.buckets.describe(tour.settings.incoming_bucket, version))
    if described is None:
        return None
    return Kind.MISSED if _is_ours(tour, upload, described) else Kind.FOREIGN


def _is_ours(tour: Tour, upload: str, described: Description) -> bool:
    """As the worker sees it; whether the id is ours too, where the secrets are known here."""
    secrets = [secret.get_secret_value().encode() for secret in tour.settings.secrets]
    try:
        intent = Intent.from_metadata(described.metadata, described.content_type)
        tour.profiles.get(intent.profile)
        if secrets:
            upload_id.verify(upload, intent.owner, secrets)
    except (NotOurMetadata, Refused, InvalidUploadId):
        return False
    return True


async def _repair(tour: Tour, kind: Kind, upload: str, version: Version) -> None:
    if kind in (Kind.FAILED, Kind.FOREIGN, Kind.LATE):
        tour.repairs.leave(kind, _name(tour, version))
        return
    created = ObjectCreated(
        tour.settings.incoming_bucket, version.key, version.version_id, version.etag, version.size, ""
    )
    body = events.withdrawal(upload) if kind is Kind.WITHDRAWN else events.notification(created)
    await tour.repairs.send(kind, _name(tour, version), body)


def _name(tour: Tour, version: Version) -> str:
    return f"{tour.settings.incoming_bucket}/{version.key}?versionId={version.version_id}"
