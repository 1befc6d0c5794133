"""How a command of ours runs: its coroutine, its settings, and its errors in one sentence."""

import asyncio
import functools
import sys
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

import click
from pydantic import ValidationError

from airlock.errors import AirlockError
from aws.settings import AwsSettings, problems
from ops.client.api import DEFAULT

P = ParamSpec("P")
S = TypeVar("S", bound=AwsSettings)
EXPECTED = (AirlockError, OSError)


def asynchronous(command: Callable[P, Coroutine[Any, Any, int | None]]) -> Callable[P, None]:
    """The command as click calls it; what it returns is the exit code.

    What can go wrong outside of us ends it with a sentence and exit code 1.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = asyncio.run(command(*args, **kwargs))
        except EXPECTED as error:
            raise click.ClickException(str(error) or type(error).__name__) from error
        sys.exit(code)

    return run


def settings_or_usage_error(kind: type[S]) -> S:
    """The settings in the environment; exit code 2 and a line for each wrong variable where they do not hold."""
    try:
        return kind()
    except ValidationError as error:
        raise click.UsageError("the environment is not complete\n  " + "\n  ".join(problems(error))) from None


def service_options(command: Callable[P, None]) -> Callable[P, None]:
    """`--service` and `--token`, for a command that talks to a service."""
    service = click.option(
        "--service", envvar="AIRLOCK_SERVICE", default=DEFAULT, show_default=True, help="The service's address."
    )
    token = click.option("--token", envvar="AIRLOCK_TOKEN", help="The API token; better in AIRLOCK_TOKEN.")
    return service(token(command))
