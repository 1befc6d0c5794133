"""JSON and the formats that are JSON inside: they are what parses as JSON (RFC 8259)."""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

import orjson

_STRING = r"(\"(?:[^\"\\\n]|\\.)*\")"
_COMMENT = re.compile(rf"{_STRING}|//[^\n]*|/\*.*?\*/", re.DOTALL)
_LAST_COMMA = re.compile(rf"{_STRING}|,(?=\s*[}}\]])")

LINES = "application/jsonl"
TYPES = frozenset(
    {"application/json", LINES, "application/geo+json", "application/ld+json", "application/x-ipynb+json"}
)


class Problem(NamedTuple):
    """`code` is irregular for what many programs write and read under the name, and malformed otherwise."""

    code: str
    message: str


def problem(text: str, media_type: str) -> Problem | None:
    """What is wrong with `text` as JSON, as a sentence for the uploader."""
    if media_type == LINES:
        number = next((number for number, line in _lines(text) if not _parses(line)), None)
        return None if number is None else Problem("malformed", f"Line {number} is not valid JSON.")
    if _parses(text):
        return None
    if _parses(_without_comments(text)):
        return Problem("irregular", "The JSON has comments or commas at the end of lists, as settings have.")
    if all(_parses(line) for _, line in _lines(text)):
        return Problem("irregular", "Each line is a JSON text of its own.")
    return Problem("malformed", "The text is not valid JSON.")


def _without_comments(text: str) -> str:
    text = _COMMENT.sub(lambda found: found[1] or " ", text)
    return _LAST_COMMA.sub(lambda found: found[1] or "", text)


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
