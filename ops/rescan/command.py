"""`airlock rescan`: has accepted objects inspected again, with today's signatures."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import click

from aws.clients import connect
from aws.maintenance.bulk_sender import BulkSender
from aws.maintenance.table_scan import TableScan
from aws.settings import read_profiles
from ops.command_line.rate import Rate
from ops.command_line.running import asynchronous, settings_or_usage_error
from ops.command_line.throttle import Throttle
from ops.rescan.display import print_summary, progress
from ops.rescan.record_filter import RecordFilter
from ops.rescan.run import RescanRun
from ops.rescan.summary import Summary
from ops.settings import Settings


class _UtcTime(click.ParamType[datetime]):
    """A date, or a date and time; UTC where no time zone is given."""

    name = "DATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} must be a date such as 2026-11-22 or 2026-11-22T18:00", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.command("rescan")
@click.option("--since", type=_UtcTime(), help="Select objects that were last inspected at this time or later.")
@click.option("--until", type=_UtcTime(), help="Select objects that were last inspected before this time.")
@click.option(
    "--signatures-before",
    type=_UtcTime(),
    help="Select objects that an engine last inspected with signatures older than this.",
)
@click.option("--profile", help="Select objects of this profile.")
@click.option("--owner", help="Select objects of this owner.")
@click.option("--rate", default="20/s", show_default=True, type=Rate(), help="Send at most so many messages a second.")
@click.option(
    "--backlog",
    default=1000,
    show_default=True,
    type=click.IntRange(0),
    help="Send no message while more than so many wait in the queue.",
)
@click.option("--dry-run", is_flag=True, help="Count what would be inspected, and send nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")
@asynchronous
async def command(rate: float, backlog: int, dry_run: bool, as_json: bool, **wanted: Any) -> int:
    """Have accepted objects inspected again, and revoke those that are infected now.

    A worker inspects each object. An infected one goes to quarantine, as its profile says, and an event reports it.
    Any other finding is recorded and revokes nothing. Without options all accepted objects are inspected. After an
    interruption, run the same command with --until and the time of the first run. Names, region and endpoint are read
    from the environment, as by `airlock provision`.

    Exit codes: 0 all inspections are requested, 1 a dependency is unavailable, 2 wrong usage.
    """
    settings = settings_or_usage_error(Settings)
    profile = wanted["profile"]
    if profile is not None and profile not in (profiles := read_profiles(settings.profiles).profiles):
        raise click.UsageError(f"unknown profile {profile!r}; it must be one of {', '.join(sorted(profiles))}")
    summary = Summary(dry_run=dry_run)
    try:
        with progress(summary):
            async with connect(settings, services=["dynamodb", "sqs"]) as clients:
                await RescanRun(
                    TableScan(clients.dynamodb, settings.table),
                    BulkSender(clients.sqs, settings.queue),
                    RecordFilter(**wanted),
                    Throttle(rate, time.monotonic, asyncio.sleep),
                    asyncio.sleep,
                    backlog,
                    summary=summary,
                ).run()
    finally:
        print_summary(summary, as_json=as_json)
    return 0
