"""Sizes and durations as people write them in a profiles file."""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Strict

_DURATION = re.compile(r"(\d+)\s*(s|m|h|d)\Z", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KB|KiB|MB|MiB|GB|GiB|TB|TiB)\Z", re.ASCII)
_BYTES = {
    "B": 1,
    "KB": 10**3,
    "KiB": 2**10,
    "MB": 10**6,
    "MiB": 2**20,
    "GB": 10**9,
    "GiB": 2**30,
    "TB": 10**12,
    "TiB": 2**40,
}


def parse_seconds(value: object) -> object:
    """The seconds that a text such as "15m" stands for; what is no text stays as it is. Raises ValueError."""
    if not isinstance(value, str):
        return value
    found = _DURATION.match(value.strip())
    if found is None:
        raise ValueError("must be a number and one of s, m, h, d: '15m'")
    return int(found[1]) * _SECONDS[found[2]]


def parse_bytes(value: object) -> object:
    """The bytes that a text such as "5 MiB" stands for; what is no text stays as it is. Raises ValueError."""
    if not isinstance(value, str):
        return value
    found = _SIZE.match(value.strip())
    if found is None:
        raise ValueError(f"must be a number and one of {', '.join(_BYTES)}: '5 MiB'")
    return int(Decimal(found[1]) * _BYTES[found[2]])


Seconds = Annotated[int, Strict(), BeforeValidator(parse_seconds)]
Bytes = Annotated[int, Strict(), BeforeValidator(parse_bytes)]
