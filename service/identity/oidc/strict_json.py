"""A strict JSON parser: it refuses what two parsers could read differently."""

import json
import math
from typing import Any

from airlock.errors import AirlockError


class Malformed(AirlockError):
    """A document breaks a rule. The message says which, and quotes nothing of the document."""


def parse_object(data: bytes) -> dict[str, Any]:
    """Parse `data` (UTF-8), which must be an object. Raises Malformed.

    Duplicate names, NaN, infinite numbers and nesting too deep for Python are refused (RFC 8259, sections 4 and 6).
    """
    try:
        value = json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        raise Malformed("it is not JSON") from None
    if not isinstance(value, dict):
        raise Malformed("it is not a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _no_constant(_: str) -> Any:
    raise ValueError


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number
