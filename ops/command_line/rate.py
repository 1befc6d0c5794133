"""Rates as options: `--rate 50/s`."""

import re
from typing import Any

import click

_RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(?:/s)?\Z")


class Rate(click.ParamType[float]):
    """A number above zero a second, written as `50/s` or `50`."""

    name = "N/s"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        match = _RATE.match(str(value).strip())
        if match is None or not (rate := float(match[1])):
            self.fail(f"{value!r} must be a rate above zero, such as 50/s", param, ctx)
        return rate
