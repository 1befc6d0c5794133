"""Prints the summary of a reconcile run."""

import click
import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ops.command_line.terminal import printable
from ops.reconcile.discrepancy import SENTENCES
from ops.reconcile.summary import Summary


def print_summary(summary: Summary, *, finished: bool, as_json: bool) -> None:
    """Print what was found and repaired; `finished`: the run was not ended by an error."""
    if as_json:
        click.echo(orjson.dumps({"finished": finished, **summary.document()}))
        return
    console = Console(highlight=False)
    scanned = ", ".join(f"{place} ({count:,})" for place, count in summary.scanned.items()) or "nothing"
    console.print(f"Scanned {scanned}.", soft_wrap=True)
    if summary.counts:
        console.print(_table(summary))
    elif finished:
        console.print("Nothing to repair.")
    for discrepancy, count in summary.in_order():
        console.print(Text(f"{discrepancy}: {SENTENCES[discrepancy]}"), soft_wrap=True)
        for example in count.examples:
            console.print(Text(f"  {printable(example)}"), soft_wrap=True)
    if summary.held_back:
        console.print("The queue is too full to send more messages: run the command again later.", soft_wrap=True)
    if summary.dry_run:
        console.print("Dry run: nothing was changed.")


def _table(summary: Summary) -> Table:
    table = Table("discrepancy", "found", "repaired", "left")
    for column in table.columns[1:]:
        column.justify = "right"
    for discrepancy, count in summary.in_order():
        table.add_row(discrepancy.value, f"{count.found:,}", f"{count.repaired:,}", f"{count.left:,}")
    return table
