"""What schemathesis must know of this API beyond its document. It loads this module itself."""

from typing import Any
from urllib.parse import quote, urlencode

import schemathesis

# aiohttp reads 8190 bytes of a request line. Beyond that it responds in plain text, before any code of ours.
LONGEST_ADDRESS = 8000


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """Every other body asks only for what the profile accepts. Otherwise nearly all would be refused."""
    if not isinstance(body, dict) or not _is_usable(body.get("filename")):
        return body
    unmeant = {key for key in ("profile", "content_type") if isinstance(body.get(key), str)}
    unmeant |= {"metadata"} if _is_metadata(body.get("metadata")) else set()
    return {**{key: value for key, value in body.items() if key not in unmeant}, "filename": f"{body['filename']}.png"}


@schemathesis.hook
def map_query(context: schemathesis.HookContext, query: Any) -> Any:
    """As map_body."""
    if not isinstance(query, dict) or not _is_usable(query.get("filename")):
        return query
    return {**query, "filename": f"{query['filename']}.png"}


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    """Only requests that reach our code."""
    query = urlencode(case.query or {}, doseq=True, errors="replace")
    return len(query) + len(quote(case.formatted_path, errors="replace")) < LONGEST_ADDRESS


def _is_usable(name: Any) -> bool:
    return isinstance(name, str) and 0 < len(name) < 200 and name.isprintable() and len(name) % 2 == 1


def _is_metadata(value: Any) -> bool:
    return isinstance(value, dict) and len(value) <= 50 and all(isinstance(text, str) for text in value.values())
