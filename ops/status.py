"""`airlock status`: the state and verdict of one upload."""

import click
import orjson
from rich.console import Console

from ops.client import api, display
from ops.client.api import RequestError
from ops.client.options import service_options
from ops.command_line.running import asynchronous
from ops.command_line.terminal import printable


@click.command("status")
@click.argument("upload_id", metavar="ID")
@click.option("--wait/--no-wait", default=False, show_default=True, help="Wait for the verdict.")
@click.option("--json", "as_json", is_flag=True, help="Print the service's JSON document on standard output.")
@service_options
@asynchronous
async def command(upload_id: str, wait: bool, as_json: bool, service: str, token: str | None) -> int:
    """Show the state of the upload ID, and its verdict where there is one.

    Exit codes are those of `airlock upload`, and 0 while there is no verdict.
    """
    async with api.connect(service, token) as client:
        try:
            upload = await client.get(upload_id)
            if wait:
                upload = await client.follow(upload)
        except RequestError as error:
            click.echo(f"Error: {printable(str(error))}", err=True)
            return display.exit_code(error)
    if as_json:
        click.echo(orjson.dumps(upload))
    else:
        name = upload.get("filename") or "(no file has arrived yet)"
        display.show(Console(highlight=False, soft_wrap=True), service, name, upload)
    return display.exit_code(upload)
