"""Prints the progress and the summary of a rescan."""

import contextlib
import sys
from collections.abc import Iterator

import click
import orjson
from rich.console import Console
from rich.filesize import decimal
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TimeElapsedColumn
from rich.text import Text

from ops.rescan.summary import Summary


class _Counts(ProgressColumn):
    def __init__(self, summary: Summary) -> None:
        super().__init__()
        self._summary = summary

    def render(self, task: Task) -> Text:
        requested, seconds = self._summary.requested, task.elapsed or 0
        rate = f", {requested / seconds:,.0f}/s" if seconds else ""
        size = decimal(self._summary.bytes)
        return Text(f"{requested:,} requested, {size}{rate}, of {self._summary.scanned:,} accepted")


@contextlib.contextmanager
def progress(summary: Summary) -> Iterator[None]:
    """A line with the counts so far, where standard error is a terminal."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), _Counts(summary), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        bar.add_task("", total=None)
        yield


def print_summary(summary: Summary, *, as_json: bool) -> None:
    """Print how many inspections were requested."""
    if as_json:
        click.echo(orjson.dumps(summary.document()))
        return
    console = Console(highlight=False, soft_wrap=True)
    size, verb = decimal(summary.bytes), "would be" if summary.dry_run else "will be"
    console.print(f"{summary.requested:,} of {summary.scanned:,} accepted objects ({size}) {verb} inspected again.")
    if not summary.finished:
        console.print("The run ended before all objects were read: run the command again.")
