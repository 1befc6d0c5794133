"""`airlock upload`: asks, sends, waits, and says what became of each file."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from ops.client import api, report, sending
from ops.client.api import Api, Document, Problem
from ops.command_line.running import asynchronous, service_options

AT_ONCE = 4


@click.command("upload")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--profile", help="The rules to upload under; the service has a default.")
@click.option("--content-type", help="What the files are; otherwise their extensions tell.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait for the verdict.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document for each file on standard output.")
@service_options
@asynchronous
async def command(
    files: tuple[Path, ...],
    profile: str | None,
    content_type: str | None,
    wait: bool,
    as_json: bool,
    service: str,
    token: str | None,
) -> int:
    """Upload FILES and wait for the verdict on each.

    Exit codes: 0 accepted, 2 usage, 3 rejected, 4 infected, 5 unscannable, 6 failed.
    Of many files the worst decides: infected, failed, rejected, unscannable, usage, accepted.
    """
    asked = {"profile": profile, "content_type": content_type}
    request = {key: value for key, value in asked.items() if value}
    async with api.connect(service, token) as service_api:
        with _display() as display:
            turns = asyncio.Semaphore(AT_ONCE)
            outcomes = await asyncio.gather(
                *(_in_turn(turns, Upload(service_api, display, file), request, wait) for file in files)
            )
    show = _print_json if as_json else partial(report.show, Console(highlight=False, soft_wrap=True), service)
    for file, told in zip(files, outcomes, strict=True):
        show(str(file), told)
    return report.worst([report.exit_code(told) for told in outcomes])


async def _in_turn(turns: asyncio.Semaphore, upload: "Upload", request: Document, wait: bool) -> Document | Problem:
    async with turns:
        try:
            return await upload.run(request, wait)
        except Problem as problem:
            upload.says("not uploaded")
            return problem
        except OSError as error:
            upload.says("not readable")
            return Problem(None, report.UNREADABLE, "The file cannot be read.", str(error))


class Upload:
    """One file on its way, shown in a row of `display`."""

    def __init__(self, service: Api, display: Progress, path: Path) -> None:
        self._api = service
        self._path = path
        self._display = display
        self._row = display.add_task(report.printable(path.name), total=path.stat().st_size, state="waiting")

    async def run(self, request: Document, wait: bool) -> Document:
        """Ask, send and, with `wait`, follow it to its final state. Raises Problem."""
        self.says("reading")
        declared = {
            "filename": report.name_of(self._path),
            "size": self._path.stat().st_size,
            "sha256": await sending.sha256(self._path),
        }
        created = await self._api.create({**request, **declared})
        self.says("sending")
        await sending.send(created["upload"], self._path, self._sent())
        self.says("sent")
        told = await self._api.get(created["id"])
        return await self._api.follow(told, self.says) if wait else told

    def says(self, state: str) -> None:
        """Show what is being done with it."""
        self._display.update(self._row, state=state.replace("_", " "))

    def _sent(self) -> Callable[[int], None]:
        row: TaskID = self._row
        return lambda length: self._display.advance(row, length)


def _display() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TextColumn("{task.fields[state]}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _print_json(file: str, told: Document | Problem) -> None:
    document = {"error": told.to_json()} if isinstance(told, Problem) else told
    click.echo(orjson.dumps({"file": report.printable(file), **document}))
