"""Compares buckets and table, and repairs what events missed.

Most repairs are messages to the worker, which does the work. This command itself only aborts old multipart uploads,
removes copies that no record names, and deletes expired items of the table.
"""

import asyncio
import secrets
import time
from collections.abc import Callable

from airlock.callables import Clock, Sleep
from aws.clients import Clients
from aws.dynamodb.records import Records
from aws.maintenance.bulk_sender import BulkSender
from aws.maintenance.listing import Listing
from aws.maintenance.table_scan import TableScan
from aws.s3.objects import Objects
from aws.settings import AwsSettings, read_profiles
from ops.command_line.throttle import Throttle
from ops.reconcile import incoming, multipart, recorded, settled
from ops.reconcile.bloom_filter import BloomFilter
from ops.reconcile.context import Context
from ops.reconcile.options import Options
from ops.reconcile.repairs import Repairs
from ops.reconcile.summary import Summary


def _ignore(place: str, count: int) -> None:
    """Where no progress is shown."""


async def reconcile(
    clients: Clients,
    settings: AwsSettings,
    options: Options | None = None,
    *,
    now: Clock = time.time,
    sleep: Sleep = asyncio.sleep,
    summary: Summary | None = None,
    on_progress: Callable[[str, int], object] = _ignore,
) -> Summary:
    """Scan everything once and repair it. Returns `summary`, which is filled during the run.

    `clients` must have S3, DynamoDB and SQS. It may run at any time, and be interrupted: the next run repairs what is
    left. `now` gives seconds since the epoch. Calls `on_progress` with a place and how many more were scanned there.

    Raises Unavailable when a dependency stays unavailable; ProfileError, OSError.
    """
    options = options or Options()
    summary = summary or Summary()
    summary.dry_run = options.dry_run
    throttle = Throttle(options.rate, time.monotonic, sleep)
    context = Context(
        settings=settings,
        profiles=read_profiles(settings.profiles),
        options=options,
        now=now,
        listing=Listing(clients.s3),
        objects=Objects(clients.s3),
        table=TableScan(clients.dynamodb, settings.table),
        records=Records(clients.dynamodb, settings.table),
        repairs=Repairs(BulkSender(clients.sqs, settings.queue), options, summary, throttle),
        throttle=throttle,
        summary=summary,
        accepted=BloomFilter(secrets.token_bytes(16)),
        on_progress=on_progress,
    )
    await scan_all(context)
    return summary


async def scan_all(context: Context) -> None:
    """Run the scans of the options. The table comes last: its scan uses what the scan of accepted has seen."""
    began, scans = context.now(), context.options.scans
    if "multipart" in scans:
        await multipart.scan(context)
    if "incoming" in scans:
        await incoming.scan(context)
    if "settled" in scans:
        await settled.scan(context)
    if "records" in scans:
        await recorded.scan(context, began, accepted_was_scanned="settled" in scans)
