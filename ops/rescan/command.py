"""`airlock rescan`: accepted objects are inspected again, with the signatures of today."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click
import orjson
from rich.console import Console
from rich.filesize import decimal
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TimeElapsedColumn
from rich.text import Text

from aws.maintenance.accepted import Accepted
from aws.maintenance.outbox import Outbox
from aws.session import connect
from aws.settings import read_profiles
from ops.command_line.patience import Patience
from ops.command_line.rate import Rate
from ops.command_line.running import asynchronous, settings_or_usage_error
from ops.rescan.rescanning import Report, Rescanning, Wanted
from ops.settings import Settings


class _Moment(click.ParamType[datetime]):
    """A date, or a date and time, of UTC where no zone is named."""

    name = "DATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date such as 2026-11-22 or 2026-11-22T18:00", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.command("rescan")
@click.option("--since", type=_Moment(), help="Those whose last inspection was then or later.")
@click.option("--until", type=_Moment(), help="Those whose last inspection was before that.")
@click.option(
    "--signatures-before", type=_Moment(), help="Those that an engine with older signatures than that looked at last."
)
@click.option("--profile", help="Those of this profile.")
@click.option("--owner", help="Those of this owner.")
@click.option("--rate", default="20/s", show_default=True, type=Rate(), help="Objects a second at most.")
@click.option(
    "--backlog", default=1000, show_default=True, type=click.IntRange(0), help="Send while fewer messages wait."
)
@click.option("--dry-run", is_flag=True, help="Tell how many would be inspected and send nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@asynchronous
async def command(rate: float, backlog: int, dry_run: bool, as_json: bool, **wanted: Any) -> int:
    """Have accepted objects inspected again: a worker does it, and takes back what it finds infected now.

    That is moved to quarantine, as the profile says, and an event tells so. Whatever else is found changes nothing,
    and is kept with the record. Without options all accepted objects are inspected; after an interruption, --until
    with the time of the first run leaves out those that were since. Names, region and endpoint come from the
    environment, as for `airlock provision`.

    Exit codes: 0 all were asked for, 1 something was away, 2 usage.
    """
    settings = settings_or_usage_error(Settings)
    profile = wanted["profile"]
    if profile is not None and profile not in (profiles := read_profiles(settings.profiles).profiles):
        raise click.UsageError(f"there is no profile {profile!r}; there are {', '.join(sorted(profiles))}")
    report = Report(dry_run=dry_run)
    try:
        with _watching(report):
            async with connect(settings, services=["dynamodb", "sqs"]) as clients:
                accepted = Accepted(clients.dynamodb, settings.table)
                outbox = Outbox(clients.sqs, settings.queue)
                patience = Patience(rate, time.monotonic, asyncio.sleep)
                await Rescanning(
                    accepted, outbox, Wanted(**wanted), patience, asyncio.sleep, backlog, report=report
                ).run()
    finally:
        # What was asked for until something stayed away is told too.
        _tell(report, as_json=as_json)
    return 0


class _State(ProgressColumn):
    def __init__(self, report: Report) -> None:
        super().__init__()
        self._report = report

    def render(self, task: Task) -> Text:
        asked, seconds = self._report.asked, task.elapsed or 0
        rate = f", {asked / seconds:,.0f}/s" if seconds else ""
        return Text(f"{asked:,} asked for, {decimal(self._report.bytes)}{rate}, of {self._report.looked:,} accepted")


@contextlib.contextmanager
def _watching(report: Report) -> Iterator[None]:
    console = Console(stderr=True)
    columns = (SpinnerColumn(), _State(report), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        progress.add_task("", total=None)
        yield


def _tell(report: Report, *, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps(report.document()))
        return
    console = Console(highlight=False, soft_wrap=True)
    size, verb = decimal(report.bytes), "would be" if report.dry_run else "are to be"
    console.print(f"{report.asked:,} of {report.looked:,} accepted objects ({size}) {verb} inspected again.")
    if not report.finished:
        console.print("It ended before all were looked at.")
