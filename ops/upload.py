"""`airlock upload`: uploads files and shows the verdict on each."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from ops.client import api, display, sending
from ops.client.api import RequestError, ServiceClient, UploadDocument
from ops.client.options import service_options
from ops.command_line.running import asynchronous
from ops.command_line.terminal import printable

CONCURRENCY = 4


@click.command("upload")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--profile", help="The profile to upload under. [default: the service's]")
@click.option("--content-type", help="The media type of the files. [default: by their extensions]")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait for the verdict.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for each file on standard output.")
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

    Exit codes: 0 accepted, 2 wrong usage, 3 rejected, 4 infected, 5 unscannable, 6 failed.
    For several files it is the code of the worst: infected, failed, rejected, unscannable, wrong usage, accepted.
    """
    options = {"profile": profile, "content_type": content_type}
    request = {name: value for name, value in options.items() if value}
    async with api.connect(service, token) as client:
        with _progress() as progress:
            slots = asyncio.Semaphore(CONCURRENCY)
            transfers = (Transfer(client, progress, file) for file in files)
            uploads = await asyncio.gather(*(_transfer(slots, transfer, request, wait) for transfer in transfers))
    show = _print_json if as_json else partial(display.show, Console(highlight=False, soft_wrap=True), service)
    for file, upload in zip(files, uploads, strict=True):
        show(str(file), upload)
    return display.worst([display.exit_code(upload) for upload in uploads])


async def _transfer(
    slots: asyncio.Semaphore, transfer: "Transfer", request: dict[str, Any], wait: bool
) -> UploadDocument | RequestError:
    async with slots:
        try:
            return await transfer.run(request, wait)
        except RequestError as error:
            transfer.show("not uploaded")
            return error
        except OSError as error:
            transfer.show("not readable")
            return RequestError(None, display.UNREADABLE, "The file cannot be read.", str(error))


class Transfer:
    """The upload of one file, shown as a row of `progress`."""

    def __init__(self, client: ServiceClient, progress: Progress, path: Path) -> None:
        self._client = client
        self._path = path
        self._progress = progress
        self._row = progress.add_task(printable(path.name), total=path.stat().st_size, state="waiting")

    async def run(self, request: dict[str, Any], wait: bool) -> UploadDocument:
        """Create the upload, send the file and, with `wait`, follow it to its final state.

        `request` holds members of the create call beside what is known of the file. Raises RequestError and OSError.
        """
        self.show("reading")
        declared = {
            "filename": display.name_of(self._path),
            "size": self._path.stat().st_size,
            "sha256": await sending.sha256(self._path),
        }
        created = await self._client.create({**request, **declared})
        self.show("sending")
        await sending.send(created["upload"], self._path, self._on_read())
        self.show("sent")
        upload = await self._client.get(created["id"])
        return await self._client.follow(upload, self.show) if wait else upload

    def show(self, state: str) -> None:
        """Show `state` in its row."""
        self._progress.update(self._row, state=state.replace("_", " "))

    def _on_read(self) -> Callable[[int], None]:
        row: TaskID = self._row
        return lambda length: self._progress.advance(row, length)


def _progress() -> Progress:
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


def _print_json(file: str, upload: UploadDocument | RequestError) -> None:
    document = {"error": upload.to_json()} if isinstance(upload, RequestError) else upload
    click.echo(orjson.dumps({"file": printable(file), **document}))
