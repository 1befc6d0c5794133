"""How a command runs: its coroutine, its settings, and its errors in one sentence."""

import asyncio
import functools
import sys
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

import click
from pydantic import ValidationError

from airlock.errors import AirlockError
from aws.settings import AwsSettings, problems

P = ParamSpec("P")
S = TypeVar("S", bound=AwsSettings)
EXPECTED = (AirlockError, OSError)


def asynchronous(command: Callable[P, Coroutine[Any, Any, int | None]]) -> Callable[P, None]:
    """Run the coroutine as a click command. It returns the exit code, or None for 0.

    An expected error (AirlockError, OSError) is printed as one sentence, with exit code 1.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = asyncio.run(command(*args, **kwargs))
        except EXPECTED as error:
            raise click.ClickException(str(error) or type(error).__name__) from error
        sys.exit(code)

    return run


def settings_or_usage_error(settings: type[S]) -> S:
    """The settings in the environment. Raises UsageError (exit code 2) with a line for each variable that is wrong."""
    try:
        return settings()
    except ValidationError as error:
        lines = "\n  ".join(problems(error))
        raise click.UsageError(f"these environment variables are missing or wrong:\n  {lines}") from None
