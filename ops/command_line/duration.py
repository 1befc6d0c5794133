"""Time spans as options: `--older-than 1h`."""

from typing import Any

import click

from airlock.units import parse_seconds


class Duration(click.ParamType[int]):
    """Seconds, written as in a profiles file: `15m`."""

    name = "DURATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return parse_seconds(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
