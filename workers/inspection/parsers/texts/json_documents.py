"""JSON and the formats that are JSON inside: they are what parses as JSON (RFC 8259)."""

import json
from collections.abc import Iterator

import orjson

LINES = "application/jsonl"
TYPES = frozenset(
    {"application/json", LINES, "application/geo+json", "application/ld+json", "application/x-ipynb+json"}
)


def problem(text: str, media_type: str) -> str | None:
    """A sentence for the uploader about `text` that is no JSON, or None."""
    lines = _lines(text) if media_type == LINES else iter([(0, text)])
    for number, each in lines:
        if not _parses(each):
            return f"Line {number} is not valid JSON." if number else "The text is not valid JSON."
    return None


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        if stripped := line.strip("\x1e\r \t\x1a"):  # RFC 7464 begins a line with a record separator
            yield number, stripped


def _parses(text: str) -> bool:
    text = text.strip("\x1a")
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return _parses_leniently(text)
    return True


def _parses_leniently(text: str) -> bool:
    """With NaN and infinities, which most programs read, and lone surrogates in escapes."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
