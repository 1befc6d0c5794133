"""`airlock permissions`: the IAM policy of a pod, for those who manage roles elsewhere."""

import click
from aiobotocore.session import get_session
from botocore.exceptions import UnknownRegionError

from aws.settings import read_profiles
from ops import iam
from ops.command_line.running import asynchronous, settings_or_usage_error
from ops.provision.clients import connect
from ops.settings import Settings


@click.command("permissions")
@click.argument("pod", type=click.Choice(iam.PODS))
@click.option("--account", metavar="ID", help="The AWS account; without it the one of the credentials is asked for.")
@asynchronous
async def command(pod: iam.Pod, account: str | None) -> None:
    """Print the IAM policy that the role of POD needs, and no more, as JSON.

    Names and region come from the environment, as for `airlock provision`, which attaches the same policy to the
    roles that AIRLOCK_SERVICE_ROLE, AIRLOCK_WORKERS_ROLE and AIRLOCK_OPERATOR_ROLE name. The operator is whoever runs
    `airlock reconcile`.
    """
    wanted = settings_or_usage_error(Settings)
    if account is None:
        async with connect(wanted) as clients:
            account = clients.account
    partition = _partition(wanted.region)
    click.echo(
        iam.text(iam.document(pod, wanted, read_profiles(wanted.profiles), partition=partition, account=account))
    )


def _partition(region: str) -> str:
    try:
        partition: str = get_session().get_partition_for_region(region)
    except UnknownRegionError:
        return "aws"
    return partition
