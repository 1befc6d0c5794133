"""Responses to what never became a request of the application, as bytes: for these aiohttp has no hook.

They say nothing of what was sent, and nothing of the programs that read it.
"""

from http import HTTPStatus

import orjson

from airlock.errors import Refused
from service.models import problems

# What a client is asked to wait when a limit is reached, in seconds.
RETRY_AFTER = 2


def _answer(code: str, detail: str, retry_after: int | None = None) -> bytes:
    status, document, headers = problems.document(Refused(code, detail, retry_after=retry_after), request_id="")
    body = orjson.dumps(document)
    fields = {**headers, "Server": problems.SERVER, "Content-Length": str(len(body)), "Connection": "close"}
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {text}" for name, text in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


BROKEN = _answer("bad_request", "This is not HTTP, or has too many or too long headers, or asks for what is not served")
TOO_SLOW = _answer("request_timeout", "The header of the request did not come in time")
TOO_MANY = _answer("too_many_connections", "The service has as many connections as it may; try again", RETRY_AFTER)
