"""`airlock provision`: creates or repairs the buckets, queues, table and permissions of a deployment."""

from collections.abc import AsyncGenerator

import click
from rich.console import Console
from rich.markup import escape

from aws.settings import read_profiles
from ops.command_line.running import asynchronous, settings_or_usage_error
from ops.provision import buckets, queues, roles, table
from ops.provision.clients import connect
from ops.provision.setting import PlannedChange, planned
from ops.settings import Settings


async def provision(wanted: Settings, *, dry_run: bool = False) -> AsyncGenerator[PlannedChange, None]:
    """Yields each change after it was made; with `dry_run` none is made.

    Everything is read before the first change. Raises ProfileError, OSError, WrongKeyError, MissingRoleError and
    CallError.
    """
    profiles = read_profiles(wanted.profiles)
    async with connect(wanted, roles=bool(wanted.roles())) as clients:
        settings = [
            *buckets.settings(clients, wanted),
            *table.settings(clients, wanted),
            *queues.settings(clients, wanted, profiles),
            *roles.settings(clients, wanted, profiles),
        ]
        for change in await planned(settings):
            if not dry_run:
                await change.apply()
            yield change


@click.command("provision")
@click.option("--dry-run", is_flag=True, help="Print what would be changed, and change nothing.")
@asynchronous
async def command(dry_run: bool) -> None:
    """Create or repair the buckets, queues and table of a deployment.

    Names, region and endpoint are read from the environment (AIRLOCK_REGION, AIRLOCK_INCOMING_BUCKET, …), credentials
    from the AWS credential chain. The roles in AIRLOCK_SERVICE_ROLE, AIRLOCK_WORKERS_ROLE and AIRLOCK_OPERATOR_ROLE
    must exist, and get exactly the permissions of their pods; without these variables IAM is not called. A second run
    changes nothing.
    """
    console = Console(soft_wrap=True, highlight=False)
    count = 0
    async for change in provision(settings_or_usage_error(Settings), dry_run=dry_run):
        count += 1
        show(change, console)
    if count == 0:
        console.print("Nothing to change: everything is as it should be.")
    else:
        things = "1 thing" if count == 1 else f"{count} things"
        console.print(f"{things} would be changed." if dry_run else f"{things} changed.")


def show(change: PlannedChange, console: Console) -> None:
    """Print one change: the resource, the setting, and its value before and after."""
    for what, before, after in change.lines():
        console.print(
            f"[bold]{escape(change.setting.resource)}[/]  {escape(what)}: "
            f"[dim]{escape(before)}[/] → [green]{escape(after)}[/]"
        )
