"""`airlock status`: where one upload is."""

import click
import orjson
from rich.console import Console

from ops.client import api, report
from ops.client.api import Problem
from ops.command_line.running import asynchronous, service_options


@click.command("status")
@click.argument("upload_id", metavar="ID")
@click.option("--wait/--no-wait", default=False, show_default=True, help="Wait for the verdict.")
@click.option("--json", "as_json", is_flag=True, help="The service's JSON document on standard output.")
@service_options
@asynchronous
async def command(upload_id: str, wait: bool, as_json: bool, service: str, token: str | None) -> int:
    """Show the state of the upload ID, and its verdict where there is one.

    Exit codes are those of `airlock upload`; 0 too while there is no verdict yet.
    """
    async with api.connect(service, token) as service_api:
        try:
            told = await service_api.get(upload_id)
            if wait:
                told = await service_api.follow(told)
        except Problem as problem:
            click.echo(f"Error: {report.printable(str(problem))}", err=True)
            return report.exit_code(problem)
    if as_json:
        click.echo(orjson.dumps(told))
    else:
        name = told.get("filename") or "(nothing has arrived yet)"
        report.show(Console(highlight=False, soft_wrap=True), service, name, told)
    return report.exit_code(told)
