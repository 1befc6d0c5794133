"""Every error that leaves the service: problem details (RFC 9457), with the codes of `airlock.errors.CATALOGUE`."""

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
from aiohttp import ClientError, web
from multidict import CIMultiDict
from pydantic import BaseModel, ConfigDict, Field

from airlock.errors import CATALOGUE, Refused, Unavailable
from service.models.requests import MAX_BODY, MAX_PROBLEMS

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
# The header field of every response, in place of aiohttp's, which names versions.
SERVER = "airlock"
# Seconds, when a dependency is unavailable.
RETRY_AFTER = 5
NAMES = {
    "dynamodb": "DynamoDB",
    "sqs": "SQS",
    "s3": "S3",
    "credentials": "The source of AWS credentials",
    "oidc": "The OpenID provider",
}

_BY_STATUS = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
_DETAILS = {
    "not_found": "Nothing is served at this address",
    "body_too_large": f"The body may have {MAX_BODY} bytes at most",
}


class BrokenRule(BaseModel):
    """One rule that one field breaks."""

    model_config = ConfigDict(extra="forbid")

    field: str
    code: str
    detail: str


class Problem(BaseModel):
    """Problem details (RFC 9457). `code` is stable; `detail` is a sentence about this occurrence."""

    model_config = ConfigDict(extra="forbid")

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    field: str | None = None
    errors: list[BrokenRule] | None = Field(default=None, max_length=MAX_PROBLEMS)
    request_id: str


class _Case(NamedTuple):
    code: str
    detail: str
    more: Mapping[str, Any] = MappingProxyType({})
    headers: Mapping[str, str] = MappingProxyType({})


def response(error: Exception, request_id: str) -> web.StreamResponse:
    """The response for an exception of a handler. A fault of ours is logged with its traceback and not described."""
    if isinstance(error, web.HTTPException) and error.status < 400:
        return error
    status, found, headers = document(error, request_id)
    return web.Response(body=orjson.dumps(found), status=status, headers=CIMultiDict(headers))


def document(error: Exception, request_id: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    """The status, the problem details and the header fields for an exception."""
    case = _case(error)
    kind = CATALOGUE[case.code]
    found = {"type": "about:blank", "title": kind.title, "status": kind.status, "detail": case.detail}
    found |= {"code": kind.code, **case.more, "request_id": request_id}
    return kind.status, found, {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store", **case.headers}


def _case(error: Exception) -> _Case:
    match error:
        case Refused():
            return _refused(error)
        case Unavailable():
            log.warning("a dependency is unavailable: %s", error)
            name = NAMES.get(error.dependency, error.dependency)
            return _Case("dependency_unavailable", f"{name} is unavailable", {}, {"Retry-After": str(RETRY_AFTER)})
        case web.HTTPException():
            return _of_aiohttp(error)
        case web.RequestPayloadError() | ClientError() | ConnectionError():
            # aiohttp raises these while it reads a body: a broken chunk or encoding, or a closed connection.
            return _Case("bad_request", "The body ended early, or its framing or encoding is not what its headers say")
        case _:
            log.error("a request failed", exc_info=error)
            return _Case("internal", "The service failed. The error was logged under this request id")


def _refused(error: Refused) -> _Case:
    more: dict[str, Any] = {}
    if error.field is not None:
        more["field"] = error.field
    if error.errors:
        rules = error.errors[:MAX_PROBLEMS]
        more["errors"] = [{"field": rule.field, "code": rule.code, "detail": rule.detail} for rule in rules]
    headers = dict(error.headers)
    if error.code == "unauthenticated":
        # Without an error code when no token came: https://www.rfc-editor.org/rfc/rfc6750#section-3.1
        headers.setdefault("WWW-Authenticate", "Bearer")
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return _Case(error.code, error.detail, more, headers)


def _of_aiohttp(error: web.HTTPException) -> _Case:
    code = _BY_STATUS.get(error.status, "bad_request" if error.status < 500 else "internal")
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return _Case(code, f"This address takes {allowed}", {}, {"Allow": allowed})
    return _Case(code, _DETAILS.get(code, "The service cannot serve this request"))
