"""Sends the objects that a bucket holds already through inspection: `backfill`."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from airlock.backfill import Sender
from aws.dynamodb.records import Records
from aws.maintenance.backlogs import Backlogs
from aws.maintenance.listing import Listing
from aws.s3.objects import Objects
from aws.session import Clients
from aws.settings import AwsSettings
from ops.backfill.checkpoint import Checkpoint, Place
from ops.backfill.report import Outcome, Report, Told
from ops.backfill.run import Run
from ops.backfill.sending import Incoming, Interrupted, Sending
from ops.command_line.patience import Patience

__all__ = ["Checkpoint", "How", "Outcome", "Place", "Report", "Run", "Told", "backfill"]


@dataclass(frozen=True)
class How:
    """Which objects, for whom, and how a run goes about it. `rate` in objects a second."""

    bucket: str
    prefix: str
    sender: Sender
    rate: float
    concurrency: int
    dry_run: bool
    checkpoint: Checkpoint | None = None


def backfill(
    clients: Clients,
    settings: AwsSettings,
    how: How,
    *,
    report: Report,
    stop: asyncio.Event,
    tell: Callable[[Told], object],
) -> Run:
    """The run, to be started. `stop` ends it when what is under way is done."""

    async def sleep(seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stop.wait()
                raise Interrupted

    patience = Patience(how.rate, time.monotonic, sleep)
    listing = Listing(clients.s3)
    incoming = Incoming(settings.incoming_bucket, settings.incoming_prefix)
    return Run(
        bucket=how.bucket,
        prefix=how.prefix,
        listing=listing,
        records=Records(clients.dynamodb, settings.table),
        backlogs=Backlogs(clients.dynamodb, settings.table),
        sender=how.sender,
        sending=Sending(listing, Objects(clients.s3), incoming, how.sender, patience, how.dry_run),
        patience=patience,
        concurrency=how.concurrency,
        tell=tell,
        now=time.time,
        stop=stop,
        checkpoint=how.checkpoint,
        report=report,
    )
