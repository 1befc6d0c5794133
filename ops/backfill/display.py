"""What a backfill prints: a line for each object that was not sent, its progress, and its summary."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

import click
import orjson
from rich.console import Console
from rich.filesize import decimal
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from ops.backfill.summary import Result, Status, Summary
from ops.command_line.terminal import printable

_SENTENCES = {
    Status.SENT: "sent to inspection",
    Status.DONE: "sent by an earlier run",
    Status.REFUSED: "refused by the profile",
    Status.SKIPPED: "folders, skipped",
    Status.FAILED: "failed: run the command again",
}


@contextlib.contextmanager
def progress(summary: Summary, *, as_json: bool) -> Iterator[Callable[[Result], object]]:
    """A function that prints a result, above a line with the counts so far where standard error is a terminal."""
    console, lines, shared = Console(stderr=True), Console(), sys.stdout.isatty()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    # JSON on the same terminal would be mixed with the moving line; what goes to a file must stay as it is.
    disabled = not console.is_terminal or (shared and as_json)
    with Progress(*columns, console=console, transient=True, disable=disabled, redirect_stdout=shared) as bar:
        row, began = bar.add_task("listing", total=None), time.monotonic()

        def show(result: Result) -> None:
            if as_json:
                click.echo(orjson.dumps(result.document()))
            elif result.status in (Status.REFUSED, Status.FAILED):
                _print_result(lines, result)
            bar.update(row, description=_counts(summary, time.monotonic() - began))

        yield show


def _counts(summary: Summary, seconds: float) -> str:
    sent = summary.counts[Status.SENT]
    others = [f"{summary.counts[each]:,} {each}" for each in Status if each is not Status.SENT and summary.counts[each]]
    rate = f"{sent / seconds:,.0f}/s" if seconds else ""
    return ", ".join([f"{sent:,} sent", decimal(summary.bytes), rate, *others])


def _print_result(console: Console, result: Result) -> None:
    sign, style = ("✗", "bold yellow") if result.status is Status.REFUSED else ("!", "bold red")
    text = Text.assemble(
        (f"{sign} ", style), (printable(result.key), "bold"), f"  {printable(result.detail)} ({result.code})"
    )
    console.print(text, soft_wrap=True, highlight=False)


def print_summary(summary: Summary, *, source: str, as_json: bool) -> None:
    """Print the counts of a run over `source`, an s3:// address."""
    if as_json:
        click.echo(orjson.dumps(summary.document()))
        return
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for status in Status:
        if count := summary.counts[status]:
            size = f", {decimal(summary.bytes)}" if status is Status.SENT else ""
            console.print(f"{count:>9,}  {_SENTENCES[status]}{size}")
    if summary.interrupted:
        console.print("The run ended before all objects were processed: run the command again.")
    elif not summary.counts:
        console.print(f"No object found at {printable(source)}.")
    if summary.dry_run:
        console.print("Dry run: nothing was sent.")
