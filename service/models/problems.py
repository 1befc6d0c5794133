"""Every error that leaves the service: RFC 9457 problem details, from the one catalogue."""

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
from aiohttp import ClientError, web
from multidict import CIMultiDict
from pydantic import BaseModel, ConfigDict, Field

from airlock.errors import CATALOGUE, Refused, Unavailable
from service.identity.caller import InvalidToken
from service.models.requests import MAX_BODY, MAX_PROBLEMS

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
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
    "not_found": "there is nothing at this address",
    "body_too_large": f"the body may be {MAX_BODY} bytes long",
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
    """The answer to whatever a handler raised. What is our own fault is logged with its trace, and not told."""
    if isinstance(error, web.HTTPException) and error.status < 400:
        return error
    case = _case(error)
    entry = CATALOGUE[case.code]
    document = {"type": "about:blank", "title": entry.title, "status": entry.status, "detail": case.detail}
    document |= {"code": entry.code, **case.more, "request_id": request_id}
    headers = CIMultiDict({"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store", **case.headers})
    return web.Response(body=orjson.dumps(document), status=entry.status, headers=headers)


def _case(error: Exception) -> _Case:
    match error:
        case Refused():
            return _refused(error)
        case Unavailable():
            log.warning("a dependency is away: %s", error)
            away = NAMES.get(error.dependency, error.dependency)
            return _Case("dependency_unavailable", f"{away} does not answer", {}, {"Retry-After": str(RETRY_AFTER)})
        case web.HTTPException():
            return _of_aiohttp(error)
        case web.RequestPayloadError() | ClientError() | ConnectionError():
            # Raised by aiohttp while a body is read: broken chunks, a broken encoding, or a caller who is gone.
            return _Case("bad_request", "the body ended early or is not framed or encoded as its headers say")
        case _:
            log.error("a request failed", exc_info=error)
            return _Case("internal", "the failure was recorded under this request id")


def _refused(error: Refused) -> _Case:
    more: dict[str, Any] = {}
    if error.field is not None:
        more["field"] = error.field
    if error.errors:
        rules = error.errors[:MAX_PROBLEMS]
        more["errors"] = [{"field": rule.field, "code": rule.code, "detail": rule.detail} for rule in rules]
    headers: dict[str, str] = {}
    if error.code == "unauthenticated":
        # https://www.rfc-editor.org/rfc/rfc6750#section-3.1: no code for whoever brought no token.
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"' if isinstance(error, InvalidToken) else "Bearer"
    headers |= error.headers
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return _Case(error.code, error.detail, more, headers)


def _of_aiohttp(error: web.HTTPException) -> _Case:
    code = _BY_STATUS.get(error.status, "bad_request" if error.status < 500 else "internal")
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return _Case(code, f"this address answers to {allowed}", {}, {"Allow": allowed})
    return _Case(code, _DETAILS.get(code, "the request cannot be served"))
