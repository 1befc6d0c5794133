"""Prints the changes of `airlock provision`: for a person as they are made, for a program as one document."""

from typing import Any

import click
import orjson
from rich.console import Console
from rich.text import Text

from ops.command_line.terminal import printable
from ops.provision.setting import Difference, PlannedChange


class Display:
    """Takes one change after the other; `end` it."""

    def __init__(self, *, dry_run: bool, as_json: bool) -> None:
        self._dry_run = dry_run
        self._as_json = as_json
        self._console = Console(soft_wrap=True, highlight=False)
        self._changes: list[PlannedChange] = []

    @property
    def count(self) -> int:
        """How many settings were changed, or would be."""
        return len(self._changes)

    def add(self, change: PlannedChange) -> None:
        """Print one change below its resource's name."""
        if not self._as_json:
            self._show(change)
        self._changes.append(change)

    def end(self, *, finished: bool) -> None:
        """Print the total; `finished`: no error ended the run."""
        if self._as_json:
            changes = [_document(change) for change in self._changes]
            click.echo(orjson.dumps({"finished": finished, "dry_run": self._dry_run, "changes": changes}))
        elif self._changes or finished:
            self._console.print(_total(len(self._changes), dry_run=self._dry_run))

    def _show(self, change: PlannedChange) -> None:
        resources = [shown.setting.resource for shown in self._changes]
        resource = change.setting.resource
        if resource not in resources[-1:]:
            new = "  (new)" if change.created and resource not in resources else ""
            self._console.print(Text.assemble((printable(resource), "bold"), (new, "green")))
        for line in _lines(change):
            self._console.print(line)


def _lines(change: PlannedChange) -> list[Text]:
    """A single value stands beside the setting's name; several stand below it."""
    differences = change.differences()
    if not any(difference.path for difference in differences):
        return [_line(f"  {change.setting.what}", difference) for difference in differences]
    names = ["    " + ".".join(difference.path) for difference in differences]
    width = max(map(len, names))
    lines = [_line(name.ljust(width), difference) for name, difference in zip(names, differences, strict=True)]
    return [Text(f"  {change.setting.what}"), *lines]


def _line(name: str, difference: Difference) -> Text:
    line = Text(f"{printable(name)}  ")
    match difference:
        case Difference(_, None, after):
            line.append(f"+ {printable(str(after))}", "green")
        case Difference(_, before, None):
            line.append(f"- {printable(str(before))}", "red")
        case Difference(_, before, after):
            line.append(printable(str(before)), "red").append(" → ").append(printable(str(after)), "green")
    return line


def _total(count: int, *, dry_run: bool) -> str:
    if count == 0:
        return "Nothing to change: everything is as it should be."
    settings = "1 setting" if count == 1 else f"{count} settings"
    return f"{settings} would be changed." if dry_run else f"{settings} changed."


def _document(change: PlannedChange) -> dict[str, Any]:
    setting = change.setting
    return {
        "resource": setting.resource,
        "setting": setting.what,
        "created": change.created,
        "before": change.before,
        "after": setting.wanted,
    }
