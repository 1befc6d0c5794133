"""The error catalogue: every code that the source uses is in it, and each entry makes sense."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from airlock import errors
from airlock.errors import CATALOGUE, BadNotification, ErrorType, FieldError, Refused, Unavailable

ROOT = Path(__file__).parents[2]
CODE_AT = {"Refused": 0, "FieldError": 1}
"""The callables that take a code, and the place of that argument."""


def literal_codes() -> Iterator[tuple[str, str]]:
    """Each code that is written in the source of the pods, with its place."""
    for room in ("airlock", "aws", "service", "workers"):
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and (code := literal_code(node)) is not None:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", code


def literal_code(call: ast.Call) -> str | None:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", None)
    if name not in CODE_AT:
        return None
    named = [keyword.value for keyword in call.keywords if keyword.arg == "code"]
    given = [*call.args[CODE_AT[name] : CODE_AT[name] + 1], *named]
    return str(given[0].value) if given and isinstance(given[0], ast.Constant) else None


def test_every_code_in_the_source_is_in_the_catalogue() -> None:
    used = dict(literal_codes())
    assert {"unknown_profile", "invalid_filename", "size_too_large", "policy_too_large"} <= set(used.values())
    assert {place: code for place, code in used.items() if code not in CATALOGUE} == {}


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=list(CATALOGUE))
def test_an_entry_has_a_code_a_status_and_a_sentence(entry: ErrorType) -> None:
    assert CATALOGUE[entry.code] is entry
    assert re.fullmatch(r"[a-z][a-z0-9_]*", entry.code)
    assert entry.status in {400, 401, 403, 404, 405, 408, 409, 413, 415, 429, 500, 503}
    assert re.fullmatch(r"[A-Z].*[^.]\.", entry.title)


def test_only_what_is_ours_is_a_server_error() -> None:
    ours = {"internal", "dependency_unavailable", "too_many_connections", "too_many_waiting"}
    assert {code for code, entry in CATALOGUE.items() if entry.status >= 500} == ours


def test_no_code_stands_in_the_catalogue_twice() -> None:
    assert len(errors._TYPES) == len(CATALOGUE)


def test_a_refusal_says_its_rule() -> None:
    broken = FieldError("size", "size_too_large", "size is 5")
    refused = Refused("size_too_large", "size is 5", field="size", errors=[broken])
    assert str(refused) == "size_too_large: size is 5"
    assert refused.errors == [broken]


def test_errors_say_what_happened() -> None:
    assert str(BadNotification("the message is not JSON")) == "the message is not JSON"
    assert str(Unavailable("sqs", "timed out")) == "sqs: timed out"
