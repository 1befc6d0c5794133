"""`airlock reconcile`: finds what events missed, and has it repaired."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from aws.clients import connect
from ops.command_line.duration import Duration
from ops.command_line.rate import Rate
from ops.command_line.running import asynchronous, settings_or_usage_error
from ops.reconcile.display import print_summary
from ops.reconcile.options import SCANS, Options, Scan
from ops.reconcile.run import reconcile
from ops.reconcile.summary import Summary
from ops.settings import Settings


@click.command("reconcile")
@click.option("--dry-run", is_flag=True, help="Report what would be repaired, and change nothing.")
@click.option("--only", multiple=True, type=click.Choice(SCANS), help="Run this scan only; may be repeated.")
@click.option(
    "--stuck",
    default="15m",
    show_default=True,
    type=Duration(),
    help="Inspections whose record did not change for so long have stopped.",
)
@click.option(
    "--grace",
    default="15m",
    show_default=True,
    type=Duration(),
    help="Skip objects and records that are younger: they are in progress.",
)
@click.option(
    "--multipart",
    default="24h",
    show_default=True,
    type=Duration(),
    help="Abort multipart uploads that are older.",
)
@click.option("--rate", default="200/s", show_default=True, type=Rate(), help="Make at most so many repairs a second.")
@click.option(
    "--backlog",
    default=10_000,
    show_default=True,
    type=click.IntRange(0),
    help="Send no message while more than so many wait in the queue.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")
@asynchronous
async def command(only: tuple[Scan, ...], as_json: bool, **options: Any) -> None:
    """Find what events missed, and have it repaired.

    Compares the buckets with the table. It may run at any time, also from a CronJob, and twice at once. Names, region
    and endpoint are read from the environment, as by `airlock provision`.

    Exit codes: 0 the run is complete, whatever it found; 1 a dependency is unavailable (the next run repairs what is
    left); 2 wrong usage.
    """
    settings = settings_or_usage_error(Settings)
    summary, finished = Summary(), False
    try:
        with _progress() as on_progress:
            async with connect(settings) as clients:
                chosen = Options(scans=only or SCANS, **options)
                await reconcile(clients, settings, chosen, summary=summary, on_progress=on_progress)
        finished = True
    finally:
        print_summary(summary, finished=finished, as_json=as_json)


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str, int], object]]:
    """A function that adds to the count of a place: a line for each, where standard error is a terminal."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,.0f}"))
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        rows: dict[str, Any] = {}

        def advance(place: str, count: int) -> None:
            if place not in rows:
                rows[place] = progress.add_task(place, total=None)
            progress.advance(rows[place], count)

        yield advance
