"""`airlock provision`: creates or repairs the buckets, queues, table and permissions of a deployment."""

from collections.abc import AsyncGenerator

import click

from aws.settings import read_profiles
from ops.command_line.running import asynchronous, settings_or_usage_error
from ops.provision import buckets, notification, queues, roles, table
from ops.provision.clients import connect
from ops.provision.display import Display
from ops.provision.setting import PlannedChange, planned
from ops.settings import Settings

CHANGED = 3
"""The exit code of --exit-code where something is not as it should be."""


async def provision(wanted: Settings, *, dry_run: bool = False) -> AsyncGenerator[PlannedChange, None]:
    """Yields each change after it was made; with `dry_run` none is made.

    Everything is read before the first change. Raises ProfileError, OSError, ConflictError and CallError.
    """
    profiles = read_profiles(wanted.profiles)
    async with connect(wanted, roles=bool(wanted.roles())) as clients:
        settings = [
            *buckets.settings(clients, wanted, profiles),
            *table.settings(clients, wanted),
            *queues.settings(clients, wanted, profiles),
            notification.setting(clients, wanted),
            *roles.settings(clients, wanted, profiles),
        ]
        for change in await planned(settings):
            if not dry_run:
                await change.apply()
            yield change


@click.command("provision")
@click.option("--dry-run", is_flag=True, help="Print what would be changed, and change nothing.")
@click.option("--exit-code", is_flag=True, help="Exit with 3 where something was changed, or would be.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")
@asynchronous
async def command(dry_run: bool, exit_code: bool, as_json: bool) -> int:
    """Create or repair the buckets, queues and table of a deployment.

    Names, region and endpoint are read from the environment (AIRLOCK_REGION, AIRLOCK_INCOMING_BUCKET, …), credentials
    from the AWS credential chain. The roles in AIRLOCK_SERVICE_ROLE, AIRLOCK_WORKERS_ROLE and AIRLOCK_OPERATOR_ROLE
    must exist, and get exactly the permissions of their pods; without these variables IAM is not called. A second run
    changes nothing.

    What is not Airlock's stays: rules, statements, notifications, tags, capacity and indexes of others. Where something
    cannot be merged, all such problems are printed, and nothing is changed.

    Exit codes: 0 everything is as it should be now; 1 a call failed, or something cannot be merged; 2 wrong usage;
    3 with --exit-code, something was changed, or would be with --dry-run.
    """
    display = Display(dry_run=dry_run, as_json=as_json)
    settings = settings_or_usage_error(Settings)
    try:
        async for change in provision(settings, dry_run=dry_run):
            display.add(change)
    except BaseException:
        display.end(finished=False)
        raise
    display.end(finished=True)
    return CHANGED if exit_code and display.count else 0
