"""Every error that Airlock knows, by who is to blame: the caller, a message, or something that we depend on.

`CATALOGUE` is the one list of problem codes of the HTTP API (RFC 9457 problem details): code, HTTP status, title.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Entry:
    """One problem: its stable code, its HTTP status, and a title that is the same for every occurrence."""

    code: str
    status: int
    title: str


_ENTRIES = (
    Entry("bad_request", 400, "The request cannot be understood."),
    Entry("invalid_json", 400, "The body is not valid JSON."),
    Entry("invalid_fields", 400, "One or more fields break a rule."),
    Entry("invalid_cursor", 400, "The cursor is not one that this service gave."),
    Entry("unknown_profile", 400, "There is no profile of that name."),
    Entry("invalid_filename", 400, "The file name cannot be used."),
    Entry("invalid_content_type", 400, "The content type is not a media type."),
    Entry("invalid_sha256", 400, "The checksum is not a SHA-256."),
    Entry("invalid_metadata", 400, "The metadata breaks a rule."),
    Entry("size_too_small", 400, "The declared size is below the profile's limit."),
    Entry("policy_too_large", 400, "The form would be larger than S3 accepts."),
    Entry("unauthenticated", 401, "A valid bearer token is needed."),
    Entry("profile_forbidden", 403, "This profile is not the caller's to use."),
    Entry("owner_forbidden", 403, "The caller may not mint upload sessions of this owner."),
    Entry("session_forbidden", 403, "An upload session may not do that."),
    Entry("session_spent", 403, "The upload session has too little left."),
    Entry("not_found", 404, "There is nothing at this address."),
    Entry("upload_not_found", 404, "There is no such upload."),
    Entry("method_not_allowed", 405, "This address does not answer to that method."),
    Entry("not_accepted", 409, "The upload has not been accepted."),
    Entry("body_too_large", 413, "The request body is larger than this service reads."),
    Entry("size_too_large", 413, "The declared size is above the profile's limit."),
    Entry("content_type_not_allowed", 415, "The profile does not take this content type."),
    Entry("too_many_requests", 429, "Too many requests."),
    Entry("internal", 500, "Something of ours failed."),
    Entry("dependency_unavailable", 503, "Something that this service needs is away."),
)

CATALOGUE: Mapping[str, Entry] = MappingProxyType({entry.code: entry for entry in _ENTRIES})


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

    @property
    def entry(self) -> Entry:
        return CATALOGUE[self.code]


@dataclass(eq=False)
class BadNotification(AirlockError):
    """A message that can never be worked on, however often it comes. `reason` is recorded with it."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(eq=False)
class Unavailable(AirlockError):
    """Something that we depend on is away or refuses us: worth another try later, never a verdict."""

    dependency: str
    detail: str

    def __str__(self) -> str:
        return f"{self.dependency}: {self.detail}"


class VersionGone(AirlockError):
    """The pinned version of an object is not there any more, or is not the one that was pinned."""


class Conflict(AirlockError):
    """A conditional write found another state than the one it needs."""
