"""Every error that Airlock knows, by who is to blame: the caller, a message, or a dependency.

`CATALOGUE` is the one list of problem codes of the HTTP API (RFC 9457 problem details): code, HTTP status, title.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class ErrorType:
    """One type of problem: its stable code, its HTTP status, and a title that is the same for every occurrence."""

    code: str
    status: int
    title: str


_TYPES = (
    ErrorType("bad_request", 400, "The request is malformed."),
    ErrorType("invalid_json", 400, "The body is not valid JSON."),
    ErrorType("invalid_fields", 400, "One or more fields break a rule."),
    ErrorType("invalid_cursor", 400, "The cursor is not valid."),
    ErrorType("unknown_profile", 400, "Unknown profile."),
    ErrorType("invalid_filename", 400, "The file name is not valid."),
    ErrorType("invalid_content_type", 400, "The content type is not a media type."),
    ErrorType("invalid_sha256", 400, "The checksum is not a SHA-256."),
    ErrorType("invalid_metadata", 400, "The metadata breaks a rule."),
    ErrorType("size_too_small", 400, "The declared size is below the profile's limit."),
    ErrorType("policy_too_large", 400, "The form would be larger than S3 accepts."),
    ErrorType("unauthenticated", 401, "A valid bearer token is needed."),
    ErrorType("profile_forbidden", 403, "The caller may not use this profile."),
    ErrorType("owner_forbidden", 403, "The caller may not create upload sessions for this owner."),
    ErrorType("session_forbidden", 403, "An upload session may not make this call."),
    ErrorType("session_spent", 403, "The upload session is used up."),
    ErrorType("not_found", 404, "Not found."),
    ErrorType("upload_not_found", 404, "Upload not found."),
    ErrorType("method_not_allowed", 405, "Method not allowed."),
    ErrorType("request_timeout", 408, "The request came too slowly."),
    ErrorType("not_accepted", 409, "The upload has not been accepted."),
    ErrorType("body_too_large", 413, "The request body is larger than this service reads."),
    ErrorType("size_too_large", 413, "The declared size is above the profile's limit."),
    ErrorType("content_type_not_allowed", 415, "The profile does not take this content type."),
    ErrorType("too_many_requests", 429, "Too many requests."),
    ErrorType("internal", 500, "Internal error."),
    ErrorType("dependency_unavailable", 503, "A dependency is unavailable."),
    ErrorType("too_many_connections", 503, "The service has too many connections."),
    ErrorType("too_many_waiting", 503, "Too many requests are waiting."),
)

CATALOGUE: Mapping[str, ErrorType] = MappingProxyType({each.code: each for each in _TYPES})


class AirlockError(Exception):
    """The root of all errors of ours."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One rule broken by one field: the field's path, a stable code, and a sentence that states the limit."""

    field: str
    code: str
    detail: str


@dataclass(eq=False)
class Refused(AirlockError):
    """The caller's fault. `code` is a key of `CATALOGUE`; `detail` names the rule and its limits.

    `retry_after` is in seconds. `errors` lists every broken rule where there are several. `headers` are further header
    fields of the answer.
    """

    code: str
    detail: str
    field: str | None = None
    retry_after: int | None = None
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


@dataclass(eq=False)
class BadNotification(AirlockError):
    """A message that can never be processed, however often it is delivered. `reason` is recorded with it."""

    reason: str

    def __str__(self) -> str:
        return self.reason


class UnknownRequest(BadNotification):
    """A message by which we ask something of ourselves, but nothing that this version knows: a newer one may."""


@dataclass(eq=False)
class Unavailable(AirlockError):
    """A dependency cannot be reached or refuses the call: to be retried later, never a verdict."""

    dependency: str
    detail: str

    def __str__(self) -> str:
        return f"{self.dependency}: {self.detail}"


class Outage(Unavailable):
    """A dependency is unavailable for whatever is asked: it cannot be reached, is overloaded or misses what we name.

    So nothing that was asked can be the cause, and asking again later costs no attempt.
    """


class DoesNotFit(Unavailable):
    """There is not enough of something for what is asked, however often it is asked."""


class VersionGone(AirlockError):
    """The pinned version of an object no longer exists, or its ETag is another."""


class Conflict(AirlockError):
    """The condition of a conditional write does not hold."""
