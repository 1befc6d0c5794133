"""JSON that has one meaning only: what two parsers could read differently is no JSON here."""

import json
import math
from typing import Any

from airlock.errors import AirlockError


class Malformed(AirlockError):
    """A document is not what it has to be. The message says in what, and quotes nothing."""


def parse_object(data: bytes) -> dict[str, Any]:
    """The one object that `data` (UTF-8) is. Raises Malformed.

    A name that stands twice, NaN, an infinite number and a nesting too deep are refused (RFC 8259, sections 4 and 6).
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
