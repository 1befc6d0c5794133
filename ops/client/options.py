"""The options of commands that call the service."""

from collections.abc import Callable
from typing import ParamSpec

import click

from ops.client.api import DEFAULT_URL

P = ParamSpec("P")


def service_options(command: Callable[P, None]) -> Callable[P, None]:
    """`--service` and `--token`."""
    service = click.option(
        "--service", envvar="AIRLOCK_SERVICE", default=DEFAULT_URL, show_default=True, help="The service's address."
    )
    token = click.option("--token", envvar="AIRLOCK_TOKEN", help="The API token; set AIRLOCK_TOKEN rather than this.")
    return service(token(command))
