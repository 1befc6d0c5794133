"""`airlock permissions`: prints the IAM policy of a pod, for roles that are managed elsewhere."""

import click
from aiobotocore.session import get_session
from botocore.exceptions import UnknownRegionError

from aws.settings import read_profiles
from ops.command_line.running import asynchronous, settings_or_usage_error
from ops.iam import policies
from ops.provision.clients import connect
from ops.settings import Settings


@click.command("permissions")
@click.argument("pod", type=click.Choice(policies.PODS))
@click.option("--account", metavar="ID", help="The AWS account. [default: that of the credentials]")
@asynchronous
async def command(pod: policies.Pod, account: str | None) -> None:
    """Print the IAM policy of POD as JSON: exactly what its role must be allowed.

    Names and region are read from the environment, as by `airlock provision`, which attaches the same policies to the
    roles in AIRLOCK_SERVICE_ROLE, AIRLOCK_WORKERS_ROLE and AIRLOCK_OPERATOR_ROLE. The operator's policy is for the
    person or job that runs the other commands, such as `airlock reconcile`.
    """
    settings = settings_or_usage_error(Settings)
    if account is None:
        async with connect(settings) as clients:
            account = clients.account
    profiles = read_profiles(settings.profiles)
    partition = _partition(settings.region)
    click.echo(policies.text(policies.document(pod, settings, profiles, partition=partition, account=account)))


def _partition(region: str) -> str:
    try:
        partition: str = get_session().get_partition_for_region(region)
    except UnknownRegionError:
        return "aws"
    return partition
