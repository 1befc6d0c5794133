"""`airlock reconcile`: what events missed is found, and sent down the same path."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import click
import orjson
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from aws.session import connect
from ops.client.report import printable
from ops.command_line.duration import Duration
from ops.command_line.rate import Rate
from ops.command_line.running import asynchronous, settings_or_usage_error
from ops.reconcile import LOOKS, How, Kind, Look, Report, reconcile
from ops.reconcile.report import SENTENCES
from ops.settings import Settings


@click.command("reconcile")
@click.option("--dry-run", is_flag=True, help="Tell what would be repaired and change nothing.")
@click.option("--only", multiple=True, type=click.Choice(LOOKS), help="Look at this alone; may be given again.")
@click.option("--stuck", default="15m", show_default=True, type=Duration(), help="An inspection is dead after that.")
@click.option("--grace", default="15m", show_default=True, type=Duration(), help="What is younger is on its way.")
@click.option("--multipart", default="24h", show_default=True, type=Duration(), help="Abort uploads older than that.")
@click.option("--rate", default="200/s", show_default=True, type=Rate(), help="Repairs a second.")
@click.option(
    "--backlog", default=10_000, show_default=True, type=click.IntRange(0), help="Send while fewer messages wait."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@asynchronous
async def command(only: tuple[Look, ...], as_json: bool, **how: Any) -> None:
    """Find what events missed, and send it down the same path.

    Safe to run at any time, and twice: fit for a CronJob. Names, region and endpoint come from the environment, as for
    `airlock provision`. Exit codes: 0 whatever was found, repaired or left; 1 when something stayed away, and then the
    next run goes on with what is left; 2 for wrong options or settings.
    """
    settings = settings_or_usage_error(Settings)
    report, finished = Report(), False
    try:
        with _watching() as watch:
            async with connect(settings) as clients:
                await reconcile(clients, settings, How(looks=only or LOOKS, **how), report=report, watch=watch)
        finished = True
    finally:
        # What was done until something stayed away is told too.
        _tell(report, finished=finished, as_json=as_json)


@contextlib.contextmanager
def _watching() -> Iterator[Callable[[str, int], object]]:
    """A line for each place that is looked at, with how much of it so far; nothing where nobody watches."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,.0f}"))
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        tasks: dict[str, Any] = {}

        def watch(place: str, more: int) -> None:
            if place not in tasks:
                tasks[place] = progress.add_task(place, total=None)
            progress.advance(tasks[place], more)

        yield watch


def _tell(report: Report, *, finished: bool, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps({"finished": finished, **report.document()}))
        return
    console = Console(highlight=False)
    looked = ", ".join(f"{count:,} {place}" for place, count in report.looked.items()) or "nothing yet"
    console.print(f"Looked at {looked}.", soft_wrap=True)
    if report.kinds:
        console.print(_table(report))
    elif finished:
        console.print("Nothing to repair.")
    for kind in [kind for kind in Kind if kind in report.kinds]:
        console.print(Text(f"{kind}: {SENTENCES[kind]}"), soft_wrap=True)
        for example in report.kinds[kind].examples:
            console.print(Text(f"  {printable(example)}"), soft_wrap=True)
    if report.held_back:
        console.print("Too many messages wait in the queue to send more: what is left is for the next run.")
    if report.dry_run:
        console.print("A dry run: nothing was changed.")


def _table(report: Report) -> Table:
    table = Table("kind", "found", "repaired", "left")
    for column in table.columns[1:]:
        column.justify = "right"
    for kind in [kind for kind in Kind if kind in report.kinds]:
        tally = report.kinds[kind]
        table.add_row(kind.value, f"{tally.found:,}", f"{tally.repaired:,}", f"{tally.left:,}")
    return table
