"""Builds a backfill from its options, the settings and open clients."""

import asyncio
import contextlib
import time
from collections.abc import Callable

from aws.clients import Clients
from aws.dynamodb.records import Records
from aws.maintenance.backfill_runs import BackfillRuns
from aws.maintenance.listing import Listing
from aws.s3.objects import Objects
from aws.settings import AwsSettings
from ops.backfill.copier import Copier, IncomingKeys, Interrupted
from ops.backfill.options import Options
from ops.backfill.run import BackfillRun
from ops.backfill.summary import Result, Summary
from ops.command_line.throttle import Throttle


def assemble(
    clients: Clients,
    settings: AwsSettings,
    options: Options,
    *,
    summary: Summary,
    stop: asyncio.Event,
    on_result: Callable[[Result], object],
) -> BackfillRun:
    """A run that has not started yet. `stop` ends it once the copies in progress are done."""

    async def sleep(seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stop.wait()
                raise Interrupted

    throttle = Throttle(options.rate, time.monotonic, sleep)
    listing = Listing(clients.s3)
    incoming = IncomingKeys(settings.incoming_bucket, settings.incoming_prefix)
    return BackfillRun(
        options=options,
        listing=listing,
        records=Records(clients.dynamodb, settings.table),
        runs=BackfillRuns(clients.dynamodb, settings.table),
        copier=Copier(listing, Objects(clients.s3), incoming, options.sender, throttle, options.dry_run),
        throttle=throttle,
        on_result=on_result,
        now=time.time,
        stop=stop,
        summary=summary,
    )
