"""Finding what events missed, and sending it down the same path: `reconcile`.

The worker does the work; here are only removed what no record names, and what is past its time.
"""

import asyncio
import secrets
import time
from collections.abc import Callable

from airlock.callables import Clock
from aws.dynamodb.records import Records
from aws.maintenance.inventory import Inventory
from aws.maintenance.outbox import Outbox
from aws.maintenance.record_scan import RecordScan
from aws.s3.objects import Objects
from aws.session import Clients
from aws.settings import AwsSettings, read_profiles
from ops.command_line.patience import Patience, Sleep
from ops.reconcile import incoming, multipart, recorded, settled
from ops.reconcile.how import LOOKS, How, Look
from ops.reconcile.repairs import Repairs
from ops.reconcile.report import Kind, Report
from ops.reconcile.seen import Seen
from ops.reconcile.tour import Tour

__all__ = ["LOOKS", "How", "Kind", "Look", "Report", "reconcile", "walk"]


def _unwatched(place: str, more: int) -> None:
    """Nobody looks on."""


async def reconcile(
    clients: Clients,
    settings: AwsSettings,
    how: How | None = None,
    *,
    now: Clock = time.time,
    sleep: Sleep = asyncio.sleep,
    report: Report | None = None,
    watch: Callable[[str, int], object] = _unwatched,
) -> Report:
    """Look at everything once and repair it; the report that is returned is `report`, which fills up meanwhile.

    `clients` need S3, DynamoDB and SQS. Safe at any time, and to be repeated: whatever ends it, the next run goes on
    with what is left. `now` gives seconds since the epoch; `watch` hears how many more of what were looked at.

    Raises Unavailable when a dependency stays away; ProfileError, OSError.
    """
    how = how or How()
    report = report or Report()
    report.dry_run = how.dry_run
    patience = Patience(how.rate, time.monotonic, sleep)
    tour = Tour(
        settings=settings,
        profiles=read_profiles(settings.profiles),
        how=how,
        now=now,
        buckets=Inventory(clients.s3),
        removal=Objects(clients.s3),
        table=RecordScan(clients.dynamodb, settings.table),
        records=Records(clients.dynamodb, settings.table),
        repairs=Repairs(Outbox(clients.sqs, settings.queue), how, report, patience),
        patience=patience,
        report=report,
        seen=Seen(secrets.token_bytes(16)),
        watch=watch,
    )
    await walk(tour)
    return report


async def walk(tour: Tour) -> None:
    """Take the looks that are asked for. The table comes after accepted, so that it is known what was seen there."""
    began, looks = tour.now(), tour.how.looks
    if "multipart" in looks:
        await multipart.look(tour)
    if "incoming" in looks:
        await incoming.look(tour)
    if "settled" in looks:
        await settled.look(tour)
    if "records" in looks:
        await recorded.look(tour, began, accepted_was_listed="settled" in looks)
